use super::*;
use crate::views::fixtures;

/// Names of the fixture's rows that fit `text`.
fn fits(text: &str) -> Vec<String> {
    let query = Query::parse(text).unwrap();
    let report = fixtures::report();
    let fitting = report.rows.iter().filter(|row| query.matches(&row.info, Some(row)));
    fitting.map(|row| row.info.name.clone()).collect()
}

#[test]
fn words_match_name_or_operator_in_any_case_and_all_must_hold() {
    assert_eq!(fits("STEM conv"), ["stem/conv"]);
    assert_eq!(fits("gemm"), ["head/fc"]);
    assert_eq!(fits("").len(), fixtures::report().rows.len());
    assert!(fits("nothing-like-this").is_empty());
}

#[test]
fn an_operator_is_matched_whole_and_by_prefix_with_a_star() {
    // A word would also find `stem/conv` by its name; the operator of `block1/add` is Add.
    assert_eq!(fits("op:add"), ["block2/add", "block4/add"]);
    assert!(fits("op:Con").is_empty());
    assert_eq!(fits("op:con*"), fits("op:Conv"));
}

#[test]
fn a_minus_excludes() {
    let (all, conv, rest) = (fits("").len(), fits("op:conv").len(), fits("-op:conv").len());
    assert!(conv > 0 && rest > 0);
    assert_eq!(conv + rest, all);
    assert_eq!(fits("-"), fits(""));
}

#[test]
fn comparisons_know_units_infinity_and_what_does_not_apply() {
    let report = fixtures::report();
    let below = |limit: f64| {
        let value = |row: &LayerRow| if let Measure::Value(v) = row.accumulated.sqnr_db { v } else { f64::INFINITY };
        report.rows.iter().filter(|row| value(row) < limit).count()
    };
    assert_eq!(fits("sqnr<20").len(), below(20.0));
    assert_eq!(fits("sqnr<20dB"), fits("sqnr<20"));
    // The pooled reshape is exact: infinite, so it is above every limit.
    assert!(fits("local>1000").contains(&"head/flatten".to_owned()));
    // Its clipped share does not apply, so neither side holds it, though a negation does.
    assert!(!fits("clip>=0%").contains(&"head/flatten".to_owned()));
    assert!(!fits("clip<100%").contains(&"head/flatten".to_owned()));
    assert!(fits("-clip<100%").contains(&"head/flatten".to_owned()));
    assert_eq!(fits("clip>1%"), fits("clip>1"));
    // 1.5 KiB are 1536 bytes.
    assert_eq!(fits("size>1.5k"), fits("size>1536"));
}

#[test]
fn bits_and_properties() {
    assert_eq!(fits("w:4"), ["block3/depthwise"]);
    assert_eq!(fits("is:edited"), ["block3/depthwise"]);
    assert!(fits("is:float").contains(&"head/softmax".to_owned()));
    assert!(fits("is:fixed").contains(&"head/softmax".to_owned()));
    assert!(fits("is:shared").contains(&"head/flatten".to_owned()));
    assert!(fits("bits:8").len() > 10);
    assert_eq!(fits("w:FLOAT"), fits("w:float"));
}

#[test]
fn quotation_marks_hold_spaces_and_colons() {
    assert_eq!(fits("\"stem/conv\""), ["stem/conv"]);
    assert!(fits("\"a: b\"").is_empty());
    assert_eq!(fits("-\"stem/conv\"").len() + 1, fits("").len());
}

#[test]
fn an_unfinished_term_is_refused_with_its_place_and_what_is_missing() {
    for (text, range, part) in [
        ("op:add sqnr<", 7..12, "sqnr<20"),
        ("op:", 0..3, "op:Conv"),
        ("bits:9", 0..6, "2 to 8"),
        ("is:nice", 0..7, "edited"),
        ("colour:red", 0..10, "colour"),
        ("weight<3", 0..8, "weight"),
        ("\"open", 0..5, "closed"),
        ("sqnr<nan", 0..8, "number"),
        ("é size>ü", 3..10, "size>10k"),
    ] {
        let error = Query::parse_at(text).unwrap_err();
        assert_eq!(error.range, range, "{text}");
        assert!(text.get(error.range).is_some(), "{text}: not between characters");
        assert!(error.message.contains(part), "{text}: {}", error.message);
    }
    assert!(Query::parse("").unwrap().is_empty());
}

#[test]
fn before_the_first_evaluation_only_the_model_can_fit() {
    let report = fixtures::report();
    let fits = |text: &str| {
        let query = Query::parse(text).unwrap();
        report.rows.iter().filter(|row| query.matches(&row.info, None)).count()
    };
    assert_eq!(fits("op:add"), 2);
    assert_eq!(fits("sqnr<1000 bits:8 is:edited"), 0);
}
