//! The CSV reader on examples and against the csv crate, with the input in chunks of any size.

use proptest::prelude::*;

use super::*;
use crate::table::line_number::line_of_row;
use crate::table::rows::Rows;

impl CsvReader {
    /// Takes the next piece of plain text.
    pub fn feed(&mut self, text: &[u8]) {
        let mut at = 0;
        while at < text.len() {
            at = self.run(text, at);
            if let Some(&byte) = text.get(at) {
                self.special(byte);
                at += 1;
            }
        }
    }
}

type Table = Vec<(u64, Vec<String>)>;

/// Reads a text in chunks of `size` bytes; returns the statistics and the rows with their lines, or the error.
fn read(csv: &str, size: usize) -> Result<(TableStats, Table), TableError> {
    read_with(Delimiter::Comma, csv, size)
}

fn read_with(delimiter: Delimiter, csv: &str, size: usize) -> Result<(TableStats, Table), TableError> {
    let mut reader = CsvReader::new(delimiter);
    csv.as_bytes().chunks(size).for_each(|piece| reader.feed(piece));
    let stats = reader.finish()?;
    let mut rows = Rows::with_buffer(reader.stored(), size);
    let mut all = Vec::new();
    while let Some(row) = rows.read()? {
        let line = line_of_row(reader.stored(), all.len() as u64)?;
        all.push((line, row.texts().map(String::from).collect()));
    }
    Ok((stats, all))
}

fn cells(csv: &str) -> Vec<Vec<String>> {
    read(csv, 4096).unwrap().1.into_iter().map(|(_, cells)| cells).collect()
}

#[test]
fn stored_form_has_separators_and_no_quotes() {
    let mut reader = CsvReader::default();
    reader.feed(b"a,b\n\n\"1,\"\"\n\",\t\n");
    let stats = reader.finish().unwrap();
    assert_eq!(reader.stored(), b"a\x1fb\x1e\x1d1,\\\"\\n\x1f\\t\x1e");
    let expected =
        TableStats { width: 2, rows: 1, longest_row: 10, header_bytes: 4, ..TableStats::default() };
    assert_eq!(stats, expected);
}

#[test]
fn line_break_is_lf_crlf_or_cr() {
    let expected = [["a", "b"], ["1", "2"], ["3", "4"]];
    for csv in ["a,b\n1,2\n3,4", "a,b\r\n1,2\r\n3,4\r\n", "a,b\r1,2\r3,4\r", "a,b\n\n1,2\r\n\r\n3,4\r\r"] {
        assert_eq!(cells(csv), expected, "{csv:?}");
    }
}

#[test]
fn quoted_cell_keeps_commas_quotes_line_breaks_and_control_characters() {
    assert_eq!(cells("\"a\"\"b\",\"c\r\nd,\"\n"), [["a\"b", "c\r\nd,"]]);
    assert_eq!(cells("a\"b,\"x\"y\n"), [["a\"b", "xy"]]);
    assert_eq!(cells("a,\n,\"\""), [["a", ""], ["", ""]]);
    assert_eq!(cells("\u{1},\u{1f}\\\u{8}\u{c}\n"), [["\u{1}", "\u{1f}\\\u{8}\u{c}"]]);
    assert_eq!(read("a,\"x\"y,\"z\"\t\"\n", 4096).unwrap().0.lenient_quotes, 2);
}

#[test]
fn blank_line_is_a_row_in_a_table_of_one_column_only() {
    assert_eq!(cells("h\n\na\n\n"), [["h"], [""], ["a"], [""]]);
    assert_eq!(cells("h\r\n\r\na"), [["h"], [""], ["a"]]);
    assert_eq!(cells("a,b\n\"\"\n\n"), [vec!["a", "b"], vec![""]]);
}

#[test]
fn byte_order_mark_is_not_part_of_the_header() {
    for size in [1, 2, 3, 4096] {
        assert_eq!(read("\u{fffd},b\n", size).unwrap().1[0].1[0], "\u{fffd}");
        let (_, rows) = read("\u{feff}\"a\",b\n\u{feff},\n", size).unwrap();
        assert_eq!(rows, [(1, vec!["a".into(), "b".into()]), (2, vec!["\u{feff}".into(), String::new()])]);
    }
    for nothing in ["", "\u{feff}", "\n\n"] {
        assert_eq!(read(nothing, 2).unwrap_err(), TableError::Empty);
    }
}

#[test]
fn ragged_row_and_open_quote_are_reported_with_their_physical_line() {
    let (stats, rows) = read("\n\na,b\r\n\"1\r\n\n2\",3\n\n4,5,6", 3).unwrap();
    assert_eq!(rows.into_iter().map(|(line, _)| line).collect::<Vec<_>>(), [3, 4, 8]);
    assert_eq!((stats.ragged, stats.first_ragged), (1, Some((8, 3))));
    let cut = read("a,b\n1,\"2\n3", 2).unwrap_err();
    assert_eq!(
        cut.to_string(),
        "it ends inside a quoted cell that opened on line 2: it was cut, or a quote is missing"
    );
}

#[test]
fn row_of_more_than_10_000_cells_is_refused() {
    assert_eq!(cells(&",".repeat(COLUMN_LIMIT - 1))[0].len(), COLUMN_LIMIT);
    assert_eq!(
        read(&format!("a\n\n{}", ",".repeat(COLUMN_LIMIT)), 64).unwrap_err().to_string(),
        "line 3 has more than 10,000 cells"
    );
}

#[test]
fn row_that_repeats_the_header_is_counted_with_its_line() {
    let repeats = |csv| {
        let (stats, _) = read(csv, 4096).unwrap();
        (stats.header_repeats, stats.first_header_repeat)
    };
    assert_eq!(repeats("a,\"b\nc\"\n1,2\n\n\"a\",\"b\nc\"\na,\"b\nc\""), (2, Some(5)));
    assert_eq!(repeats("a,b\na,c\nab\nb,a\na,b,\n"), (0, None));
    // A row of fewer than two texts may be a value.
    for csv in ["a\na\n", "a,\na,\n", ",\n,\n"] {
        assert_eq!(repeats(csv), (0, None), "{csv:?}");
    }
}

proptest! {
    #[test]
    fn rows_that_repeat_the_header_are_counted_wherever_the_stored_form_is_cleared(
        rows in prop::collection::vec(prop::sample::select(&["a\u{e9},b\"\",c", "a\u{e9},b\"\",d", "a", "\"\n\",x,y", ""][..]), 0..8),
        size in 1usize..9,
    ) {
        let csv = rows.iter().fold("a\u{e9},b\"\",c\n".to_owned(), |csv, row| csv + row + "\n");
        let mut reader = CsvReader::default();
        for piece in csv.as_bytes().chunks(size) {
            reader.feed(piece);
            reader.clear();
        }
        let stats = reader.finish().unwrap();
        prop_assert_eq!(stats, read(&csv, 4096).unwrap().0);
        prop_assert_eq!(stats.header_repeats, rows.iter().filter(|row| row.ends_with(",c")).count() as u64);
    }

    #[test]
    fn any_table_reads_as_the_csv_crate_reads_it(
        table in prop::collection::vec(prop::collection::vec("[a-c,;|\t\"\r\n é😀]{0,4}", 2..4), 1..6),
        terminator in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        delimiter in prop::sample::select(Delimiter::ALL.as_slice()), always: bool, size in 1usize..9,
    ) {
        let separator = char::from(delimiter.byte());
        let quote = |cell: &String| {
            let must = always || cell.contains([separator, '"', '\r', '\n']);
            if must { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() }
        };
        let csv: String = table.iter()
            .map(|row| row.iter().map(quote).collect::<Vec<_>>().join(&separator.to_string()) + terminator).collect();
        let ours: Vec<Vec<String>> = read_with(delimiter, &csv, size).unwrap().1.into_iter().map(|(_, cells)| cells).collect();
        let theirs: Vec<Vec<String>> = ::csv::ReaderBuilder::new().has_headers(false).flexible(true)
            .delimiter(delimiter.byte()).from_reader(csv.as_bytes()).records()
            .map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        prop_assert_eq!(&ours, &theirs);
        prop_assert_eq!(&ours, &table);
    }

    #[test]
    fn any_text_reads_the_same_in_chunks_of_any_size(csv in "\u{feff}?[a,\"\r\n\\\\é]{0,30}", size in 1usize..9) {
        prop_assert_eq!(read(&csv, size), read(&csv, 4096));
    }
}
