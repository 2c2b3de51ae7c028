//! Entries that are whole, cut, changed, extended, reordered, of another key and larger than memory buffers.

use std::cell::Cell;

use proptest::prelude::*;

use super::super::chunks::SEALED_CHUNK;
use super::super::cipher::HEADER_BYTES;
use super::*;
use crate::receive::{Compression, Format, ReceiveLimits, Receiver};

const FORM: StoredForm =
    StoredForm { format: STORED_FORM, on_nul: OnNul::Strip, delimiter: Delimiter::Comma };

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn report(csv: &str) -> Report {
    let limits = ReceiveLimits::new(1 << 30, OnNul::Strip, Delimiter::Comma);
    let mut receiver = Receiver::new(Format::Csv, Compression::None, limits);
    receiver.feed(csv.as_bytes()).unwrap();
    receiver.finish().unwrap()
}

fn stored(report: &mut Report) -> Vec<u8> {
    let mut bytes = Vec::new();
    report.stored().unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

/// The entry of a report, under the key `k`.
fn entry(report: &mut Report) -> Vec<u8> {
    let metadata = Metadata::new("scope", "user_report", FORM, "client", report).unwrap();
    let mut entry = Vec::new();
    write(&mut entry, &secret("k"), &metadata, report.stored().unwrap()).unwrap();
    entry
}

fn entry_of(csv: &str) -> Vec<u8> {
    entry(&mut report(csv))
}

fn verify(entry: &[u8], key: &str) -> Result<(), EntryError> {
    EntryReader::new(entry, &secret(key))?.verify()
}

/// The restored report, by a future that never waits for anything but other tasks.
fn restore(entry: &[u8]) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(EntryReader::new(entry, &secret("k")).unwrap().restore()).unwrap()
}

/// Rows that cannot be compressed, so that the entry has several chunks.
fn random_csv(bytes: usize) -> String {
    let mut random = fastrand::Rng::with_seed(1);
    let rows = (0..bytes / 32).map(|_| format!("{:032x}\n", random.u128(..)));
    std::iter::once("a\n".to_owned()).chain(rows).collect()
}

#[test]
fn archive_entry_restores_the_report() {
    let mut original = report("id,text\n1,\"a \"\"b\"\"\0\"\n2\n");
    original.repairs = Repairs { nuls: 7, surrogates: 3 };
    let mut restored = restore(&entry(&mut original));
    assert_eq!(stored(&mut restored), stored(&mut original));
    assert_eq!(restored.stats, original.stats);
    assert_eq!((&restored.sha256, restored.bytes), (&original.sha256, original.bytes));
    assert_eq!(restored.completed_at.timestamp_millis(), original.completed_at.timestamp_millis());
    assert_eq!((restored.repairs, restored.requests), (original.repairs, 0));
}

#[test]
fn archive_entry_shows_nothing_of_the_report() {
    let entry = entry_of(&format!("name\n{}", "Ada Lovelace\n".repeat(1000)));
    let text = String::from_utf8_lossy(&entry);
    for clear in ["Ada", "name", "user_report", "scope", "sha256"] {
        assert!(!text.contains(clear), "{clear}");
    }
}

#[test]
fn archive_entries_of_one_report_have_nothing_in_common_after_the_format() {
    let (first, second) = (entry_of("a\n1\n"), entry_of("a\n1\n"));
    let equal = first.iter().zip(&second).skip(8).filter(|(a, b)| a == b).count();
    assert!(equal < first.len() / 4, "{equal} of {} bytes", first.len());
}

#[test]
fn archive_entry_cut_at_any_byte_is_refused() {
    let entry = entry_of("a\n1\n");
    assert!(verify(&entry, "k").is_ok());
    for end in 0..entry.len() {
        let error = verify(&entry[..end], "k").unwrap_err();
        assert!(matches!(error, EntryError::Damaged), "cut at {end}: {error}");
    }
}

#[test]
fn archive_entry_with_any_bit_flipped_is_refused() {
    let entry = entry_of("a\n1\n");
    for at in 0..entry.len() {
        let mut changed = entry.clone();
        changed[at] ^= 1 << (at % 8);
        let error = verify(&changed, "k").unwrap_err();
        let is_expected = match at {
            0..7 => matches!(error, EntryError::NotAnEntry),
            7 => matches!(error, EntryError::UnknownFormat(_)),
            8..HEADER_BYTES => matches!(error, EntryError::OtherKey),
            _ => matches!(error, EntryError::Damaged),
        };
        assert!(is_expected, "byte {at}: {error}");
    }
}

#[test]
fn archive_entry_of_another_key_is_told_from_a_damaged_one() {
    let error = verify(&entry_of("a\n1\n"), "another").unwrap_err();
    assert!(matches!(error, EntryError::OtherKey));
    assert!(error.to_string().contains("`archive_key`"), "{error}");
}

#[test]
fn archive_entry_with_chunks_swapped_dropped_repeated_or_appended_is_refused() {
    let entry = entry_of(&random_csv(400_000));
    let (header, body) = entry.split_at(HEADER_BYTES);
    let chunks: Vec<&[u8]> = body.chunks(SEALED_CHUNK).collect();
    let last = chunks.len() - 1;
    assert!(last >= 3, "{last}");
    let verify_in_order = |order: &[usize]| {
        let body: Vec<u8> = order.iter().flat_map(|index| chunks[*index]).copied().collect();
        verify(&[header, &body].concat(), "k")
    };
    let whole: Vec<usize> = (0..=last).collect();
    assert!(verify_in_order(&whole).is_ok());
    let mut swapped = whole.clone();
    swapped.swap(0, 1);
    let dropped: Vec<usize> = whole.iter().copied().filter(|index| *index != 1).collect();
    let repeated = [&whole[..2], &whole[1..]].concat();
    let appended = [&whole[..], &[0]].concat();
    for order in [&swapped, &dropped, &repeated, &appended, &whole[..last].to_vec(), &vec![last]] {
        assert!(matches!(verify_in_order(order), Err(EntryError::Damaged)), "{order:?}");
    }
    let other = entry_of(&random_csv(400_000));
    let foreign = [header, &other[HEADER_BYTES..]].concat();
    assert!(matches!(verify(&foreign, "k"), Err(EntryError::Damaged)));
    assert!(matches!(verify(&[&entry[..], b"x"].concat(), "k"), Err(EntryError::Damaged)));
}

#[test]
fn archive_entry_larger_than_the_memory_cap_is_restored() {
    let mut original = report(&random_csv(MEMORY_CAP + 1_000_000));
    let mut restored = restore(&entry(&mut original));
    assert_eq!(stored(&mut restored), stored(&mut original));
    assert_eq!(restored.stats, original.stats);
}

/// Counts the bytes that are read.
struct Counted<'a>(&'a [u8], &'a Cell<usize>);

impl Read for Counted<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(out)?;
        self.1.set(self.1.get() + count);
        Ok(count)
    }
}

#[test]
fn archive_metadata_is_read_without_the_rest_of_the_entry() {
    let entry = entry_of(&random_csv(4_000_000));
    let read = Cell::new(0);
    let reader = EntryReader::new(Counted(&entry, &read), &secret("k")).unwrap();
    assert_eq!(reader.metadata.stream, "user_report");
    assert!(read.get() < 2 * PIECE + SEALED_CHUNK && read.get() < entry.len() / 3, "{} bytes", read.get());
}

#[test]
fn archived_report_that_cannot_be_parsed_has_no_metadata() {
    assert_eq!(Metadata::new("scope", "s", FORM, "client", &report("a\n\"open\n")), None);
}

proptest! {
    #[test]
    fn archive_entry_restores_any_report(csv in "[a-c,\"\r\n\\\\\u{0}é😀]{1,60}") {
        let mut original = report(&format!("h{csv}"));
        if original.stats.is_ok() {
            let mut restored = restore(&entry(&mut original));
            prop_assert_eq!(stored(&mut restored), stored(&mut original));
            prop_assert_eq!(restored.stats, original.stats);
        }
    }

    #[test]
    fn archive_entry_of_random_bytes_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(verify(&bytes, "k").is_err());
        let entry = entry_of("a\n1\n");
        prop_assert!(verify(&[&entry[..HEADER_BYTES], &bytes].concat(), "k").is_err());
    }
}
