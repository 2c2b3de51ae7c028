//! The reader by hand and against the csv crate, at every split of the input.

use proptest::prelude::*;

use super::*;

fn read(csv: &str, capacity: usize) -> Result<Vec<(u64, Vec<String>)>, TableError> {
    let mut rows = Rows::with_buffer(csv.as_bytes(), capacity);
    let mut all = Vec::new();
    while let Some(row) = rows.read()? {
        all.push((row.line(), row.cells().map(str::to_owned).collect()));
    }
    Ok(all)
}

fn cells(csv: &str) -> Vec<Vec<String>> {
    read(csv, 4096).unwrap().into_iter().map(|(_, cells)| cells).collect()
}

#[test]
fn every_line_end_is_one() {
    let expected = [["a", "b"], ["1", "2"], ["3", "4"]];
    for csv in ["a,b\n1,2\n3,4", "a,b\r\n1,2\r\n3,4\r\n", "a,b\r1,2\r3,4\r", "a,b\n\n1,2\r\n\r\n3,4\r\r"] {
        assert_eq!(cells(csv), expected, "{csv:?}");
    }
}

#[test]
fn quotes_hold_everything() {
    assert_eq!(cells("\"a\"\"b\",\"c\r\nd,\"\n"), [["a\"b", "c\r\nd,"]]);
    assert_eq!(cells("a\"b,\"x\"y\n"), [["a\"b", "xy"]]);
    assert_eq!(cells("a,\n,\"\""), [["a", ""], ["", ""]]);
    let mut rows = Rows::new(&b"a,\"x\"y,\"z\"\n"[..]);
    rows.read().unwrap();
    assert_eq!(rows.lenient_quotes(), 1);
}

#[test]
fn one_column_keeps_its_blanks() {
    assert_eq!(cells("h\n\na\n\n"), [["h"], [""], ["a"], [""]]);
    assert_eq!(cells("h\r\n\r\na"), [["h"], [""], ["a"]]);
    assert!(cells("").is_empty());
}

#[test]
fn a_mark_is_no_part_of_the_header() {
    assert_eq!(cells("\u{feff}a,b\n"), [["a", "b"]]);
    assert!(cells("\u{feff}")[0][0].is_empty());
}

#[test]
fn positions_are_physical_lines() {
    let lines: Vec<u64> =
        read("a,b\r\n\"1\r\n\n2\",3\n\n4,5", 3).unwrap().into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [1, 2, 6]);
    let cut = read("a,b\n1,\"2\n3", 2).unwrap_err();
    assert_eq!(
        cut.to_string(),
        "it ends inside a quoted cell that opened on line 2: it was cut, or a quote is missing"
    );
}

#[test]
fn a_cell_beyond_the_limit_is_too_long_or_never_ends() {
    let refused = |csv: &str| {
        let mut rows = Rows::with_buffer(csv.as_bytes(), 8);
        rows.cell_limit = 10;
        rows.read().unwrap();
        let words = rows.read().unwrap_err().to_string();
        assert!(rows.buffer.len() <= 64, "it was kept");
        words
    };
    let long = "line 2, column 2 has a cell of more than 64 MiB";
    let open = "it ends inside a quoted cell that opened on line 2: it was cut, or a quote is missing";
    for size in [11, 500] {
        let cell = "x".repeat(size);
        assert_eq!(refused(&format!("a,b\n1,{cell}")), long);
        assert_eq!(refused(&format!("a,b\n1,\"{cell}\"\"\n\"")), long);
        assert_eq!(refused(&format!("a,b\n1,\"{cell}\"\"\n\"y\"")), long);
        assert_eq!(refused(&format!("a,b\n1,\"{cell}\"\"\n\"\"")), open);
    }
    assert_eq!(cells(&format!("{}\n", "\"\"".repeat(300))), [["\"".repeat(299)]]);
}

#[test]
fn a_row_beyond_the_limit_is_too_wide() {
    assert_eq!(cells(&",".repeat(COLUMN_LIMIT - 1))[0].len(), COLUMN_LIMIT);
    assert_eq!(
        read(&",".repeat(COLUMN_LIMIT), 64).unwrap_err().to_string(),
        "line 1 has more than 10,000 cells"
    );
}

proptest! {
    #[test]
    fn any_table_reads_as_the_csv_crate_reads_it(
        table in prop::collection::vec(prop::collection::vec("[a-c,\"\r\n é😀]{0,4}", 2..4), 1..6),
        terminator in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        always: bool, capacity in 1usize..9,
    ) {
        let quote = |cell: &String| {
            let must = always || cell.contains([',', '"', '\r', '\n']);
            if must { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() }
        };
        let csv: String = table.iter()
            .map(|row| row.iter().map(quote).collect::<Vec<_>>().join(",") + terminator).collect();
        let ours: Vec<Vec<String>> = read(&csv, capacity).unwrap().into_iter().map(|(_, cells)| cells).collect();
        let theirs: Vec<Vec<String>> = csv::ReaderBuilder::new().has_headers(false).flexible(true)
            .from_reader(csv.as_bytes()).records()
            .map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        prop_assert_eq!(&ours, &theirs);
        prop_assert_eq!(&ours, &table);
    }

    #[test]
    fn any_text_reads_the_same_in_any_split(csv in "[a,\"\r\n]{0,30}", capacity in 1usize..9) {
        let whole = read(&csv, 4096).map_err(|error| error.to_string());
        prop_assert_eq!(read(&csv, capacity).map_err(|error| error.to_string()), whole);
    }
}
