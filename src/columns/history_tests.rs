//! Random histories of reports: columns come, go, move, are edited and repeated, while STATE, folder and catalog are
//! kept, lost or old.
//!
//! Each step is compared with the relational model and with the world, which knows each column.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use proptest::sample::Index;

use super::fixtures::{SNAKE_CASE, hashed};
use super::model::{self, Expected, places};
use super::world::{Edit, World, respell};
use super::*;
use crate::table::header::ColumnNames;

/// The run that a source of memory is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Last,
    Old(usize),
    Lost,
}

#[derive(Clone, Debug)]
struct Step {
    edits: Vec<Edit>,
    state: Age,
    folder: Age,
    catalog: Age,
    /// Decides the order of the columns in a second reading, and which are emitted and have a variant.
    seed: u64,
}

/// What a run leaves behind. An epoch ends when the memory is lost, or when columns cannot be told apart: memories of
/// different epochs can have different names for one column.
#[derive(Clone)]
struct Stored {
    columns: Vec<RememberedColumn>,
    epoch: usize,
}

fn title() -> impl Strategy<Value = String> {
    let long = "Which skills would you like to develop in the next six months, and why these?";
    let bases = vec!["Notes", "User ID", "a", "A_2", "30 day goal", "Column 1", long];
    let crafted = [hashed("notes", "Notes "), hashed("column", "???"), "notes__text".to_owned()];
    let fixed = ["", " ", "???", "!", "column_1"].map(str::to_owned).into_iter().chain(crafted);
    prop_oneof![
        3 => (prop::sample::select(bases), 0..8_usize).prop_map(|(base, spelling)| respell(base, spelling)),
        1 => prop::sample::select(fixed.collect::<Vec<_>>()),
        1 => "[a-cA-C _?\u{e9}]{0,4}",
    ]
}

fn edit() -> impl Strategy<Value = Edit> {
    let index = any::<Index>;
    prop_oneof![
        5 => (title(), index()).prop_map(|(title, at)| Edit::Add { title, at }),
        1 => (index(), index()).prop_map(|(column, at)| Edit::Repeat { column, at }),
        2 => index().prop_map(Edit::Remove),
        2 => (index(), index()).prop_map(|(column, at)| Edit::Move { column, at }),
        3 => (index(), 0..8_usize).prop_map(|(column, spelling)| Edit::Rewrite { column, spelling }),
        2 => (index(), index()).prop_map(|(column, at)| Edit::BringBack { column, at }),
    ]
}

fn age(last: u32) -> impl Strategy<Value = Age> {
    prop_oneof![last => Just(Age::Last), 1 => (1..6_usize).prop_map(Age::Old), 1 => Just(Age::Lost)]
}

fn step() -> impl Strategy<Value = Step> {
    (prop::collection::vec(edit(), 0..6), age(6), age(6), age(1), any::<u64>())
        .prop_map(|(edits, state, folder, catalog, seed)| Step { edits, state, folder, catalog, seed })
}

fn reorder(header: &[String], seed: u64) -> Vec<String> {
    let mut header = header.to_vec();
    fastrand::Rng::with_seed(seed).shuffle(&mut header);
    header
}

/// Properties that hold whatever is remembered.
fn check_step(memory: &[RememberedColumn], header: &[String], identified: &Identified, seed: u64) {
    let ambiguous: HashSet<usize> =
        identified.ambiguous.iter().flat_map(|ambiguity| ambiguity.columns.clone()).collect();
    let columns = identified.columns.iter().enumerate();
    let found: Vec<Expected> = columns
        .map(|(index, column)| Expected {
            name: column.name.clone(),
            memory: column.memory,
            is_ambiguous: ambiguous.contains(&index),
        })
        .collect();
    assert_eq!(found, model::identify(memory, header), "{memory:#?} {header:?}");

    let mut names: Vec<&str> = memory.iter().map(|entry| entry.name.as_str()).collect();
    names.extend(memory.iter().filter_map(|entry| entry.variant.as_deref()));
    names.extend(
        identified.columns.iter().filter(|column| column.memory.is_none()).map(|column| column.name.as_str()),
    );
    let unique: HashSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
    assert_eq!(unique.len(), names.len(), "a name is used twice: {names:?}");
    assert!(names.iter().all(|name| !name.is_empty() && name.len() <= 62), "{names:?}");

    let by_place = |header: &[String], identified: &Identified| -> HashMap<(String, usize), String> {
        places(header).into_iter().zip(identified.columns.iter().map(|column| column.name.clone())).collect()
    };
    let other = reorder(header, seed);
    let again = identify(memory, &other, &SNAKE_CASE).unwrap();
    assert_eq!(by_place(&other, &again), by_place(header, identified), "names depend on the order");
    assert_eq!(again.ambiguous.len(), identified.ambiguous.len());
}

/// The union has every entry of its sources, STATE before the folder, and does not change when it is made again.
fn check_union(
    united: &United,
    state: &[RememberedColumn],
    folder: &[RememberedColumn],
    catalog: &[(&str, &str)],
) {
    let find = |name: &str| united.columns.iter().find(|column| column.name == name);
    for (before, after) in state.iter().zip(&united.columns) {
        assert_eq!(
            (&before.name, &before.title, before.position),
            (&after.name, &after.title, after.position)
        );
        assert!(before.column_type.is_none() || !before.emitted || before.column_type == after.column_type);
    }
    for column in folder {
        let by_name = find(&column.name).is_some();
        assert!(
            by_name || united.columns.iter().any(|other| other.title == column.title),
            "{column:?} is lost"
        );
    }
    for &index in &united.from_folder {
        let name = &united.columns[index].name;
        assert!(index >= state.len() && state.iter().all(|column| column.name != *name));
    }
    assert!(
        catalog.iter().all(|(name, title)| find(name).is_some()
            || united.columns.iter().any(|column| column.title == *title))
    );
    for (state, folder) in [(&united.columns[..], folder), (&[], &united.columns)] {
        let again = unite(state, folder, catalog.iter().copied(), ColumnNames::SnakeCase);
        assert_eq!(again.columns, united.columns);
    }
}

/// Which columns are emitted, and which have a variant.
fn settle(identified: &Identified, seed: u64) -> Vec<Settled> {
    let mut taken = identified.names();
    let mut random = fastrand::Rng::with_seed(seed);
    let settle = |column: &IdentifiedColumn| {
        let before = identified.remembered(column);
        let emitted = random.bool();
        let known = before.and_then(|before| before.variant.clone());
        let new = |taken: &mut NameSet| variant_name(&column.name, taken);
        let variant = known.or_else(|| (emitted && random.bool()).then(|| new(&mut taken)));
        Settled {
            column_type: before.and_then(|before| before.column_type),
            emitted,
            variant,
            ..Settled::default()
        }
    };
    identified.columns.iter().map(settle).collect()
}

fn check_history(steps: &[Step]) {
    let mut world = World::default();
    let mut stored: Vec<Stored> = Vec::new();
    let mut epoch = 0;
    for step in steps {
        world.apply(&step.edits);
        let header = world.header();
        let at = |age: Age| match age {
            Age::Last => stored.last(),
            Age::Old(runs) => stored.len().checked_sub(1 + runs).map(|index| &stored[index]),
            Age::Lost => None,
        };
        let [state, folder, catalog] = [step.state, step.folder, step.catalog].map(at);
        let columns =
            |source: Option<&Stored>| source.map(|stored| stored.columns.clone()).unwrap_or_default();
        let (state_columns, folder_columns) = (columns(state), columns(folder));
        let listed = columns(catalog);
        let properties: Vec<(&str, &str)> = listed
            .iter()
            .filter(|column| !column.gone)
            .map(|column| (column.name.as_str(), column.title.as_str()))
            .collect();
        let united =
            unite(&state_columns, &folder_columns, properties.iter().copied(), ColumnNames::SnakeCase);
        check_union(&united, &state_columns, &folder_columns, &properties);
        let is_complete = step.state == Age::Last || step.folder == Age::Last;
        let is_of_epoch = [state, folder, catalog].iter().flatten().all(|stored| stored.epoch == epoch);
        if !is_complete || !is_of_epoch {
            epoch += 1;
            world.forget();
        }
        let identified = identify(&united.columns, &header, &SNAKE_CASE).unwrap();
        check_step(&united.columns, &header, &identified, step.seed);
        world.check(&identified);
        epoch += usize::from(!identified.ambiguous.is_empty());
        let columns = remember(&identified, &settle(&identified, step.seed), "2026-01-01");
        for entry in &united.columns {
            assert!(columns.iter().any(|column| column.name == entry.name), "{entry:?} vanishes");
        }
        assert_eq!(columns.len(), identified.gone.len() + header.len());
        stored.push(Stored { columns, epoch });
    }
}

proptest! {
    #[test]
    fn histories_of_reports_keep_the_identity_of_columns(steps in prop::collection::vec(step(), 2..=20)) {
        check_history(&steps);
    }
}
