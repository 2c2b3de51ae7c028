//! Detects gzip and the format of a report by its first bytes, for sources without a content type.
//!
//! Gzip begins with two magic bytes, which UTF-8 text cannot begin with. JSON begins, after white space, with `{` or
//! `[`, then a double quote, a bracket, a brace or the end. A CSV header that begins so is taken for JSON too. Text
//! that begins with `<` counts as JSON, because the JSON decoder refuses web pages. Everything else is CSV. The
//! receiver verifies.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::{Compression, Format};

const GZIP_MAGIC: &[u8] = &[0x1F, 0x8B];
const BOM: &[u8] = "\u{FEFF}".as_bytes();
/// Bytes of decompressed text that are looked at.
const LOOKED_AT: u64 = 4 * 1024;

/// The format of data that begins with `start`.
#[must_use]
pub fn sniff(start: &[u8]) -> (Format, Compression) {
    if !start.starts_with(GZIP_MAGIC) {
        return (format(start), Compression::None);
    }
    let mut text = Vec::new();
    // The text before damaged data is enough; the receiver reports the damage.
    let _ = MultiGzDecoder::new(start).take(LOOKED_AT).read_to_end(&mut text);
    (format(&text), Compression::Gzip)
}

fn format(text: &[u8]) -> Format {
    let text = text.strip_prefix(BOM).unwrap_or(text).trim_ascii_start();
    let next = text.get(1..).and_then(|rest| rest.trim_ascii_start().first());
    match (text.first(), next) {
        (Some(b'<'), _) | (Some(b'{' | b'['), None | Some(b'"' | b'{' | b'[' | b'}' | b']')) => {
            Format::JsonBody
        }
        _ => Format::Csv,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn sniff_tells_json_from_csv_by_its_first_bytes() {
        for text in
            ["{\"report\":\"a\\n\"}", "\u{FEFF} \n{ \"report\"", "{}", "{", "[{\"id\":1}]", "[[1]]", "<html>"]
        {
            assert_eq!(sniff(text.as_bytes()), (Format::JsonBody, Compression::None), "{text}");
            assert_eq!(sniff(&gzip(text)), (Format::JsonBody, Compression::Gzip), "{text}");
        }
        for text in ["", " ", "a,b\n1,2\n", "\u{FEFF}a\n", "{a},b\n", "[id],[name]\n", "\"{\"\"a\"\"}\"\n"] {
            assert_eq!(sniff(text.as_bytes()), (Format::Csv, Compression::None), "{text}");
            assert_eq!(sniff(&gzip(text)), (Format::Csv, Compression::Gzip), "{text}");
        }
    }

    #[test]
    fn sniff_of_truncated_or_damaged_gzip_is_gzip_with_the_format_of_what_is_readable() {
        let body = gzip(&format!("{{\"report\":\"{}\"}}", "a".repeat(100_000)));
        assert_eq!(sniff(&body[..body.len() / 2]), (Format::JsonBody, Compression::Gzip));
        assert_eq!(sniff(GZIP_MAGIC), (Format::Csv, Compression::Gzip));
        let after_an_empty_member = [gzip(""), gzip("{\"report\":\"\"}")].concat();
        assert_eq!(sniff(&after_an_empty_member), (Format::JsonBody, Compression::Gzip));
    }
}
