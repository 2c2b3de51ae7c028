//! The model of what the tap remembers: which columns it knows, and which of them the headers of a report are.
//!
//! It follows the rules of `docs/columns.md` and uses nothing of `src/columns`: sets of columns are compared as wholes,
//! slowly, and the forms of headers come from the families of the generator.

use super::report::family_of;

/// A column that any report had.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub name: String,
    pub title: String,
    /// Among equal headers of its last report.
    pub position: usize,
    pub emitted: bool,
    /// The name of the type as in JSON Schema; `None` while it is undecided.
    pub column_type: Option<String>,
    pub variant: Option<String>,
    /// Whether the last report lacked the column.
    pub is_gone: bool,
}

/// A column that a catalog lists.
#[derive(Clone, Debug)]
pub struct Listed {
    pub name: String,
    pub title: String,
    pub column_type: String,
    pub is_selected: bool,
}

/// Which known column each header is, and which columns can no longer be told apart.
#[derive(Debug, Default)]
pub struct Identity {
    pub known: Vec<Option<usize>>,
    pub ambiguous_headers: Vec<usize>,
    pub ambiguous_known: Vec<usize>,
}

/// Blank headers are all equal.
pub fn text(title: &str) -> &str {
    if title.trim().is_empty() { "" } else { title }
}

/// The position of each header among the equal ones.
pub fn positions(titles: &[&str]) -> Vec<usize> {
    let before =
        |index: usize| titles[..index].iter().filter(move |other| text(other) == text(titles[index]));
    (0..titles.len()).map(|index| before(index).count()).collect()
}

/// Everything that STATE, the state folder and the catalog know. STATE decides, then the state folder.
pub fn unite(state: &[Known], folder: &[Known], catalog: &[Listed]) -> Vec<Known> {
    let mut all = state.to_vec();
    for other in folder {
        match all.iter_mut().find(|known| known.name == other.name) {
            None => all.push(other.clone()),
            Some(known) => {
                if other.emitted && (!known.emitted || known.column_type.is_none()) {
                    known.emitted = true;
                    known.column_type.clone_from(&other.column_type);
                }
                known.variant = known.variant.take().or_else(|| other.variant.clone());
            }
        }
    }
    let titles: Vec<&str> = catalog.iter().map(|listed| listed.title.as_str()).collect();
    for (listed, position) in catalog.iter().zip(positions(&titles)) {
        if !all.iter().any(|known| known.name == listed.name || known.variant.as_ref() == Some(&listed.name))
        {
            all.push(Known {
                name: listed.name.clone(),
                title: listed.title.clone(),
                position,
                emitted: false,
                column_type: None,
                variant: None,
                is_gone: false,
            });
        }
    }
    all
}

pub fn identify(memory: &[Known], titles: &[&str]) -> Identity {
    let positions = positions(titles);
    let exact = |index: usize| {
        memory
            .iter()
            .position(|known| text(&known.title) == text(titles[index]) && known.position == positions[index])
    };
    let mut identity = Identity { known: (0..titles.len()).map(exact).collect(), ..Identity::default() };
    let mut families: Vec<usize> = titles.iter().map(|title| family_of(title)).collect();
    families.sort_unstable();
    families.dedup();
    for family in families {
        let headers: Vec<usize> =
            (0..titles.len()).filter(|&index| family_of(titles[index]) == family).collect();
        let known: Vec<usize> =
            (0..memory.len()).filter(|&index| family_of(&memory[index].title) == family).collect();
        if let ([header], [only]) = (&headers[..], &known[..])
            && memory[*only].position == 0
        {
            identity.known[*header] = Some(*only);
            continue;
        }
        let (is_new, is_missing) = {
            let matches = &identity.known;
            let found: Vec<usize> = headers.iter().filter_map(|&header| matches[header]).collect();
            let is_new: Vec<usize> =
                headers.iter().copied().filter(|&header| matches[header].is_none()).collect();
            let is_missing: Vec<usize> =
                known.iter().copied().filter(|index| !found.contains(index)).collect();
            (is_new, is_missing)
        };
        if !is_new.is_empty() && !is_missing.is_empty() {
            identity.ambiguous_headers.extend(is_new);
            identity.ambiguous_known.extend(is_missing);
        }
        for &header in &headers {
            let equal = text(titles[header]);
            let equal_known: Vec<usize> =
                known.iter().copied().filter(|&index| text(&memory[index].title) == equal).collect();
            // STATE and the state folder can differ on which columns the last report lacked: the highest position counts.
            let in_last = equal_known.iter().filter(|&&index| !memory[index].is_gone);
            let highest = |index: &usize| memory[*index].position + 1;
            let before = in_last.map(highest).max().or(equal_known.iter().map(highest).max()).unwrap_or(0);
            let now = headers.iter().filter(|&&other| text(titles[other]) == equal).count();
            if before > 0 && before != now {
                identity.ambiguous_headers.push(header);
                identity.ambiguous_known.extend(equal_known);
            }
        }
    }
    identity
}
