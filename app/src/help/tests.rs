use std::collections::BTreeSet;

use super::*;
use crate::testing;

#[test]
fn there_are_twenty_each_once() {
    let numbers: Vec<u8> = GROUPS.iter().flat_map(|group| group.questions).map(|question| question.number).collect();
    let distinct: BTreeSet<u8> = numbers.iter().copied().collect();
    assert_eq!(numbers.len(), 20);
    assert_eq!(distinct, (1..=20).collect());
}

#[test]
fn each_says_something_of_the_open_model_and_where_to_see_it() {
    let doc = testing::document(12);
    for number in 1..=20 {
        let here = here(&doc, number);
        assert!(!here.lines.is_empty(), "Q{number}");
        if let Some(layer) = here.place.as_ref().and_then(|place| place.layer.as_ref()) {
            assert!(doc.layer(layer).is_some(), "Q{number}: {layer}");
        }
    }
}

#[test]
fn without_a_model_there_is_only_the_general_answer() {
    let doc = Document::new();
    assert!((1..=20).all(|number| here(&doc, number) == Here::default()));
}

#[test]
fn going_there_selects_the_layer_and_shows_the_page() {
    let place = Place { layer: Some("conv1".into()), page: Page::Arithmetic };
    assert_eq!(place.title(), "Show Arithmetic of conv1");
    let select = Command::Select { layer: "conv1".into(), mode: SelectMode::Replace, reveal: true };
    assert_eq!(place.commands(), [select, Command::ShowPage(Page::Arithmetic)]);
}
