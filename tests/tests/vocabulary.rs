//! A text model with its vocabulary beside it: the window shows words in place of token ids, and says so where the
//! vocabulary is another model's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use egui_kittest::kittest::Queryable as _;
use quantlens::{command::Command, document::Page};
use quantlens_analysis::{data::DataSource, tensor::ElementType};
use quantlens_tests::{
    models::{Builder, int, save_archive},
    window::{Window, labels, real, send},
};

/// Looks four tokens of two numbers up, as ONNX exporters write an embedding, and scores two classes.
fn text_model(folder: &Path) {
    let mut builder = Builder::new(17);
    builder.typed_input("input_ids", ElementType::Int32, &[4]);
    builder.constant("table", &[4, 2], vec![0.0, 0.1, 0.5, -0.5, 1.0, 0.3, -0.7, 0.9]);
    builder.constant("weight", &[8, 2], (0..16_u8).map(|i| f32::from(i) / 16.0 - 0.4).collect());
    builder.node("Cast", &["input_ids"], "long", vec![int("to", ElementType::Int64.onnx_code().into())]);
    builder.node("Gather", &["table", "long"], "embedded", Vec::new());
    builder.node("Flatten", &["embedded"], "flat", Vec::new());
    builder.node("MatMul", &["flat", "weight"], "scores", Vec::new());
    builder.output("scores");
    builder.save(folder);
}

/// The Data page on the model of `folder` with two sentences.
fn data_page(test: &str, folder: &Path) -> Option<Window> {
    text_model(folder);
    let samples = folder.join("samples");
    std::fs::create_dir(&samples).unwrap();
    let ids = ("input_ids", vec![2, 4], vec![1, 2, 3, 0, 3, 1, 0, 0]);
    let archive = save_archive(&samples.join("ids.npz"), Vec::new(), vec![ids]);
    let mut window = real(test, 1200.0, 900.0)?;
    send(&mut window, Command::OpenModel(folder.join("model.onnx")));
    send(&mut window, Command::OpenData(DataSource::Path(archive)));
    send(&mut window, Command::ShowPage(Page::Data));
    Some(window)
}

#[test]
fn words_stand_for_token_ids() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("vocab.txt"), "[PAD]\nhel\n##lo\nworld\n").unwrap();
    let Some(window) = data_page("words_stand_for_token_ids", folder.path()) else { return };
    let file = folder.path().join("vocab.txt").display().to_string();
    for shown in ["hello world", "world hel", &format!("{file}, 4 tokens")] {
        assert!(window.query_all_by_label(shown).count() > 0, "{shown}");
    }
}

#[test]
fn a_vocabulary_of_another_size_is_named_and_not_used() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("vocab.txt"), "[PAD]\nhel\n##lo\nworld\nand\nmore\n").unwrap();
    let test = "a_vocabulary_of_another_size_is_named_and_not_used";
    let Some(window) = data_page(test, folder.path()) else { return };
    let said = window.query_all_by_label_contains("has 6 tokens, the model's input input_ids chooses from 4").count();
    assert!(said > 0, "through the Cast, the table's rows are known");
    assert_eq!(window.query_all_by_label_contains("hello").count(), 0);
    assert!(
        window.query_all_by_label_contains("1.00, 2.00, 3.00").count() > 0,
        "{:?}",
        labels(&window, egui::Role::Label)
    );
}
