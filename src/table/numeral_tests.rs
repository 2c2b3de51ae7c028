//! Numerals on examples and against the parsers of the standard library and of `serde_json`.

use proptest::prelude::*;

use super::*;
use crate::table::typed_oracle;

#[test]
fn number_is_judged_by_its_value_and_keeps_its_spelling() {
    for (cell, is_a_number) in [
        ("0", true),
        ("-12", true),
        ("1.50", true),
        (".5", true),
        ("-.5", true),
        ("-0.0", true),
        ("1e5", true),
        ("1.5E+03", true),
        ("123456789012345", true),
        ("1234567890123456", false),
        ("0.00123456789012345", true),
        ("1.500000000000000000000", true),
        ("100000000000000000000", true),
        ("1e308", true),
        ("1e309", false),
        ("1e-400", false),
        ("0e5", false),
        ("-0", false),
        ("007", false),
        ("00.5", false),
        ("+1", false),
        ("5.", false),
        (".", false),
        ("-", false),
        ("1e", false),
        ("1e+", false),
        (" 1", false),
        ("1 ", false),
        ("NaN", false),
        ("inf", false),
        ("1,5", false),
        ("1.5.5", false),
        ("", false),
    ] {
        assert_eq!(is_number(cell.as_bytes()), is_a_number, "{cell}");
    }
    let json = |cell: &str| String::from_utf8(to_json(cell.as_bytes().into()).into_owned()).unwrap();
    assert_eq!([".5", "-.50", "1.50"].map(json), ["0.5", "-0.50", "1.50"]);
}

#[test]
fn decimal_has_up_to_40_digits_and_no_exponent() {
    let long = "1".repeat(40);
    for (cell, is_a_decimal) in [
        ("1.50", true),
        (".5", true),
        (&long, true),
        (&(long.clone() + "1"), false),
        ("1e5", false),
        ("007", false),
    ] {
        assert_eq!(is_decimal(cell.as_bytes()), is_a_decimal, "{cell}");
    }
}

#[test]
fn numerals_of_one_value_have_one_normal_spelling() {
    let normal = |cell: &str| normalize(cell.as_bytes()).map(|text| String::from_utf8(text).unwrap());
    for same in [&["1.5", "1.50", "15e-1", "0.15e1"][..], &["0", "0.0", "-0.00"], &["-100", "-1e2", "-100.0"]]
    {
        assert!(same.iter().all(|cell| normal(cell) == normal(same[0])), "{same:?}");
    }
    assert_ne!(normal("1.5"), normal("-1.5"));
    assert_ne!(normal("1"), normal("10"));
    assert_eq!(normal("x"), None);
}

#[test]
fn separators_and_units_are_removed_where_the_spelling_names_them() {
    let spelling = |thousands, decimal, strip: &[&str]| NumberSpelling {
        thousands,
        decimal,
        strip: strip.iter().map(|unit| (*unit).to_owned()).collect(),
    };
    let english = spelling(Some(','), '.', &["%", "$", " "]);
    for (text, canonical) in [
        ("1,234,567.50", Some("1234567.50")),
        ("1234.5", Some("1234.5")),
        ("$1,234", Some("1234")),
        ("-$5", Some("-5")),
        ("$ -5", Some("-5")),
        ("12.5 %", Some("12.5")),
        ("1,234e5", Some("1234e5")),
        ("12,34", None),
        ("1234,567", None),
        (",234", None),
        ("1,23a", None),
        ("1.5,000", None),
        ("1%2", None),
        ("--5", None),
        ("x", None),
    ] {
        assert_eq!(english.canonical(text).as_deref(), canonical, "{text}");
    }
    let german = spelling(Some('.'), ',', &["€"]);
    for (text, canonical) in [
        ("1.234,50", Some("1234.50")),
        (",5", Some(".5")),
        ("1.5", None),
        ("1,5.000", None),
        ("-7€", Some("-7")),
    ] {
        assert_eq!(german.canonical(text).as_deref(), canonical, "{text}");
    }
    assert_eq!(spelling(None, ',', &[]).canonical("1.5"), None);
}

proptest! {
    #[test]
    fn number_is_a_json_number_of_at_most_15_significant_digits(
        cell in "-?[0-9]{0,18}(\\.[0-9]{0,18})?([eE][+-]?[0-9]{1,3})?|[-.0-9eE+]{0,6}|0{0,3}\\.0{0,340}[0-9]{0,3}|[0-9]0{0,320}",
    ) {
        prop_assert_eq!(is_number(cell.as_bytes()), typed_oracle::is_number(&cell), "{}", cell);
        let whole = cell.parse::<i64>().is_ok_and(|number| number.to_string() == cell);
        prop_assert_eq!(is_integer(cell.as_bytes()), whole, "{}", cell);
    }

    #[test]
    fn numbers_are_one_value_exactly_if_their_normal_spellings_are_equal(
        one in "-?[0-9]{1,3}(\\.[0-9]{1,3})?(e-?[0-3])?", other in "-?[0-9]{1,3}(\\.[0-9]{1,3})?(e-?[0-3])?",
    ) {
        prop_assume!(is_number(one.as_bytes()) && is_number(other.as_bytes()));
        let value = |text: &str| text.parse::<f64>().unwrap().to_string().replace("-0", "0");
        let same = value(&one) == value(&other);
        prop_assert_eq!(normalize(one.as_bytes()) == normalize(other.as_bytes()), same, "{} {}", one, other);
    }
}
