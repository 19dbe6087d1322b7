//! The room through its front: whole folders and archives on disk, hand-made, with the numbers that must come out.

use std::{fs, path::Path};

use image::Rgb;
use ndarray::{Array2, Array3, Array4, array};
use ndarray_npy::{WriteNpyExt, write_npy};

use super::{
    testing::{input, npz, open, plain},
    *,
};
use crate::{
    error::{Error, Result},
    tensor::{ElementType, ModelInput, Tensor, TensorData},
};

const F32: ElementType = ElementType::Float32;

fn open_with(path: &Path, inputs: &[ModelInput], options: &DataOptions) -> Result<Dataset> {
    Dataset::open_with(&DataSource::Path(path.to_owned()), inputs, options)
}

fn codes(dataset: &Dataset) -> Vec<&str> {
    dataset.warnings().iter().map(|w| w.code.as_str()).collect()
}

#[test]
fn pictures_broken_ones_skipped_and_labels_by_folder() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["0", "2"] {
        fs::create_dir(folder.path().join(class)).unwrap();
    }
    plain(&folder.path().join("2/red.png"), [255, 0, 0]);
    plain(&folder.path().join("0/blue.bmp"), [0, 0, 255]);
    fs::write(folder.path().join("0/broken.jpg"), b"\xff\xd8\xff\xe0 no jpeg").unwrap();
    let whole = fs::read(folder.path().join("2/red.png")).unwrap();
    fs::write(folder.path().join("2/cut.png"), &whole[..whole.len() / 2]).unwrap();
    let x = input("x", F32, &[-1, 3, 8, 8]);
    let data = open(folder.path(), &[x]).unwrap();
    assert_eq!((data.len(), data.kind(), data.labels()), (2, DataKind::Pictures, Some(&[0, 2][..])));
    assert_eq!(codes(&data), ["image-skipped"]);
    assert!(data.warnings()[0].message.starts_with("2 of 4 pictures"), "{}", data.warnings()[0].message);
    let used = data.recipe().unwrap();
    assert!(used.guessed && used.recipe.name == "0-1" && !used.reason.is_empty());
    let sample = data.sample(1).unwrap();
    assert_eq!((sample.name.as_str(), sample.label), ("2/red.png", Some(2)));
    let expected: Vec<f32> = [vec![1.0; 64], vec![0.0; 128]].concat();
    assert_eq!(sample.tensors, [Tensor::float32(vec![1, 3, 8, 8], expected)]);
    assert_eq!(data.thumbnail(0).unwrap().get_pixel(3, 3), &Rgb([0, 0, 255]));
    assert!(data.thumbnail(2).is_none() && data.sample(2).is_err());
    // The same pictures, bytes as they are.
    let raw = data.with_recipe(Recipe::preset("raw").as_ref()).unwrap();
    assert_eq!(raw.sample(1).unwrap().tensors[0].as_f32().unwrap()[0], 255.0);
    assert!(!raw.recipe().unwrap().guessed && raw.labels() == Some(&[0, 2]));
}

#[test]
fn no_picture_decodes() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.png"), b"no").unwrap();
    let error = open(folder.path(), &[input("x", F32, &[-1, 3, 8, 8])]).unwrap_err();
    assert!(matches!(error, Error::Data { .. }) && error.to_string().contains("none of 1 pictures"), "{error}");
}

#[test]
fn a_limit_spreads_over_class_folders_only() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["0", "1"] {
        fs::create_dir(folder.path().join(class)).unwrap();
        for k in 0..4 {
            plain(&folder.path().join(format!("{class}/{k}.png")), [k; 3]);
        }
    }
    let inputs = [input("x", F32, &[-1, 3, 8, 8])];
    let options = DataOptions { limit: Some(2), ..DataOptions::default() };
    let data = open_with(folder.path(), &inputs, &options).unwrap();
    assert_eq!((data.name(0), data.name(1), data.labels()), ("0/0.png".into(), "1/0.png".into(), Some(&[0, 1][..])));
    // labels.npy counts all pictures, also those beyond the limit; without folders the first are taken.
    let flat = folder.path().join("0");
    write_npy(flat.join("labels.npy"), &array![9_i64, 8, 7, 6]).unwrap();
    assert_eq!(open_with(&flat, &inputs, &options).unwrap().labels(), Some(&[9, 8][..]));
}

#[test]
fn a_fixed_batch_takes_blocks() {
    let folder = tempfile::tempdir().unwrap();
    for k in 0..5 {
        plain(&folder.path().join(format!("{k}.png")), [k; 3]);
    }
    write_npy(folder.path().join("labels.npy"), &array![0_i64, 1, 2, 3, 4]).unwrap();
    let raw = Recipe::preset("raw").unwrap();
    let open = |batch: i64| {
        let inputs = [input("x", F32, &[batch, 1, 8, 8])];
        Dataset::open(&DataSource::Path(folder.path().to_owned()), &inputs, Some(&raw), None).unwrap()
    };
    let data = open(2);
    assert_eq!((data.len(), data.labels(), codes(&data)), (2, None, vec!["data-batch-rest", "labels-batched"]));
    let expected: Vec<f32> = [vec![2.0; 64], vec![3.0; 64]].concat();
    assert_eq!(data.sample(1).unwrap().tensors, [Tensor::float32(vec![2, 1, 8, 8], expected)]);
    // Seven of five: the first two once more.
    let tensor = open(7).sample(0).unwrap().tensors.remove(0);
    assert_eq!((tensor.shape[0], tensor.as_f32().unwrap()[6 * 64]), (7, 1.0));
}

#[test]
fn a_label_column_with_a_given_order() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.png", "b.png"] {
        plain(&folder.path().join(name), [1; 3]);
    }
    fs::write(folder.path().join("labels.csv"), "path,idx,coarse\na.png,5,dog\nb.png,,bird\n").unwrap();
    let inputs = [input("x", F32, &[-1, 3, 8, 8])];
    let data = open(folder.path(), &inputs).unwrap();
    assert_eq!((data.labels(), data.sample(0).unwrap().label, codes(&data)), (None, Some(5), vec!["labels-partial"]));
    let classes = Some(vec!["bird".to_owned(), "fish".to_owned(), "dog".to_owned()]);
    let labels = LabelOptions { column: Some("coarse".to_owned()), classes };
    let data = open_with(folder.path(), &inputs, &DataOptions { labels, ..DataOptions::default() }).unwrap();
    assert_eq!((data.labels(), data.class_names().unwrap().get(2)), (Some(&[2, 0][..]), Some("dog")));
}

#[test]
fn arrays_by_name_with_casts_and_left_over() {
    let (_folder, path) = npz! {
        "ids": array![[1_i32, 2], [3, 4], [5, 6]],
        "mask": array![[1_u8, 1]],
        "extra": array![0.0_f32],
        "labels": array![2_i64, 0, 1],
    };
    let inputs = [input("ids", ElementType::Int64, &[-1, -1]), input("mask", F32, &[-1, -1])];
    let data = open(&path, &inputs).unwrap();
    assert_eq!((data.len(), data.labels(), codes(&data)), (3, Some(&[2, 0, 1][..]), vec!["data-array-unused"]));
    let sample = data.sample(1).unwrap();
    assert_eq!(sample.tensors[0], Tensor { shape: vec![1, 2], data: TensorData::Int64(vec![3, 4]) });
    assert_eq!(sample.tensors[1], Tensor::float32(vec![1, 2], vec![1.0, 1.0]));
    let notes: Vec<&str> = data.feeds().iter().map(|f| f.note.as_str()).collect();
    assert_eq!(notes[0], "int32 cast to int64 (no value changed)");
    assert_eq!(notes[1], "uint8 cast to float32 (no value changed); the same for every sample");
    assert!(data.recipe().is_none());
}

#[test]
fn arrays_that_do_not_match_are_listed() {
    let (_folder, path) = npz! { "a": array![[1_i64, 2]], "b": array![[1_i64, 2]] };
    let inputs = [input("ids", ElementType::Int64, &[-1, 2]), input("mask", ElementType::Int64, &[-1, 2])];
    let error = open(&path, &inputs).unwrap_err().to_string();
    for part in ["data.npz", "ids: int64 [batch,2]", "mask: int64", "a: int64 [1, 2]", "b: int64"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    let (_folder, path) = npz! { "ids": array![[1_i64, 2], [3, 4]], "mask": array![[1_i64, 1], [1, 1], [1, 1]] };
    assert!(open(&path, &inputs).unwrap_err().to_string().contains("ids 2, mask 3"));
    let error = open(&path, &inputs[..1]).unwrap();
    assert_eq!(codes(&error), ["data-array-unused"]);
    // Equal symbols, different lengths.
    let (_folder, path) = npz! { "ids": array![[1_i64, 2]], "mask": array![[1_i64, 1, 1]] };
    let symbol = |name: &str| {
        let dims = ["batch", "seq"].map(|s| crate::tensor::Dim::Symbolic(s.to_owned())).to_vec();
        ModelInput { name: name.to_owned(), element_type: ElementType::Int64, dims: Some(dims) }
    };
    let error = open(&path, &[symbol("ids"), symbol("mask")]).unwrap_err().to_string();
    assert!(error.contains("\"seq\" is 3, but 2"), "{error}");
}

#[test]
fn a_single_input_takes_any_name_and_the_fitting_array() {
    let (_folder, path) = npz! { "whatever": Array3::<u8>::from_elem((4, 8, 8), 7), "y": array![1_i64, 1, 0, 0] };
    let inputs = [input("image", F32, &[1, 1, 8, 8])];
    let data = open(&path, &inputs).unwrap();
    assert_eq!((data.len(), data.feeds()[0].shape.clone(), data.labels().unwrap().len()), (4, vec![1, 1, 8, 8], 4));
    assert!(data.feeds()[0].note.starts_with("axes of length 1 inserted; uint8 cast"));
    assert_eq!(data.thumbnail(3).unwrap().get_pixel(0, 0), &Rgb([7, 7, 7]));
    let (_folder, path) = npz! { "a": Array2::<f32>::zeros((4, 3)), "b": Array2::<f32>::ones((4, 5)) };
    let data = open(&path, &[input("x", F32, &[-1, 5])]).unwrap();
    assert_eq!((data.feeds()[0].array.as_str(), codes(&data)), ("b", vec!["data-array-unused"]));
}

#[test]
fn channels_last_needs_a_word() {
    let pictures =
        Array4::from_shape_fn((2, 4, 4, 3), |(n, h, w, c)| u8::try_from(100 * n + 20 * h + 4 * w + c).unwrap());
    let (_folder, path) = npz! { "x": pictures };
    let inputs = [input("x", F32, &[-1, 3, 4, 4])];
    let error = open(&path, &inputs).unwrap_err().to_string();
    assert!(error.contains("array_layout = \"NHWC\""), "{error}");
    let recipe = Recipe::from_toml("array_layout = \"NHWC\"\nscale = 2.0", "p.toml").unwrap();
    let data = Dataset::open(&DataSource::Path(path), &inputs, Some(&recipe), None).unwrap();
    let tensor = data.sample(1).unwrap().tensors.remove(0);
    // Channel 2, row 1, column 3 of sample 1: 2·(100 + 20 + 12 + 2) = 268, at 2·16 + 1·4 + 3.
    assert_eq!((tensor.shape.clone(), tensor.as_f32().unwrap()[39]), (vec![1, 3, 4, 4], 268.0));
    assert_eq!(data.thumbnail(1).unwrap().get_pixel(3, 1), &Rgb([132, 133, 134]));
    assert_eq!(data.recipe().unwrap().recipe.size, Some((4, 4)));
}

#[test]
fn values_that_do_not_fit_are_errors_and_nan_is_said() {
    let (_folder, path) = npz! { "x": array![[1.0_f32, 2.0], [3.0, f32::NAN], [f32::INFINITY, 0.0]] };
    let data = open(&path, &[input("x", F32, &[-1, 2])]).unwrap();
    assert_eq!(codes(&data), ["data-not-finite"]);
    assert!(data.warnings()[0].message.contains("input x: NaN or infinite values in 2 samples, the first is sample 1"));
    let error = open(&path, &[input("x", ElementType::Int64, &[-1, 2])]).unwrap_err().to_string();
    assert!(error.contains("sample 1, element 1: NaN is no int64"), "{error}");
    let checked = check(&data, 10).unwrap();
    assert_eq!((checked.inputs[0].non_finite, checked.banners[0].code.as_str()), (2, "data-not-finite"));
}

#[test]
fn npy_files_one_a_sample_or_one_an_input() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, array: &dyn Fn(&Path)| array(&folder.path().join(name));
    write("b.npy", &|p| write_npy(p, &array![[1_i64, 2, 3], [4, 5, 6]]).unwrap());
    write("a.npy", &|p| write_npy(p, &array![7_i64, 8]).unwrap());
    write("labels.npy", &|p| write_npy(p, &array![4_i64, 5, 6]).unwrap());
    let inputs = [input("ids", ElementType::Int64, &[-1, -1])];
    let data = open(folder.path(), &inputs).unwrap();
    assert_eq!((data.kind(), data.len(), data.labels()), (DataKind::NpyFiles, 3, Some(&[4, 5, 6][..])));
    let names: Vec<_> = (0..3).map(|i| data.name(i)).collect();
    assert_eq!(names, ["a.npy", "b.npy#0", "b.npy#1"]);
    assert_eq!(data.sample(2).unwrap().tensors[0].data, TensorData::Int64(vec![4, 5, 6]));
    assert_eq!(data.sample(0).unwrap().tensors[0].shape, [1, 2]);
    let options = DataOptions { limit: Some(2), ..DataOptions::default() };
    assert_eq!(open_with(folder.path(), &inputs, &options).unwrap().labels(), Some(&[4, 5][..]));
    // Files named as the inputs are arrays of a data set.
    fs::rename(folder.path().join("a.npy"), folder.path().join("mask.npy")).unwrap();
    fs::rename(folder.path().join("b.npy"), folder.path().join("ids.npy")).unwrap();
    write("labels.npy", &|p| write_npy(p, &array![1_i64, 0]).unwrap());
    let inputs = [inputs[0].clone(), input("mask", ElementType::Int64, &[-1])];
    let data = open(folder.path(), &inputs).unwrap();
    assert_eq!((data.kind(), data.len(), data.labels()), (DataKind::Arrays, 2, Some(&[1, 0][..])));
}

#[test]
fn test_sets_are_whole_calls() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("test_data_set_0");
    fs::create_dir(&set).unwrap();
    fs::write(set.join("input_0.pb"), test_sets::tests::float_file("x", &[2, 2], &[1.0, 2.0, 3.0, 4.0])).unwrap();
    let data = open(folder.path(), &[input("x", F32, &[-1, 2])]).unwrap();
    let sample = data.sample(0).unwrap();
    assert_eq!((sample.name.as_str(), sample.tensors[0].shape.clone()), ("test_data_set_0", vec![2, 2]));
    assert!(open(folder.path(), &[input("x", F32, &[-1, 3])]).unwrap_err().to_string().contains("not that of x"));
    let raw = Recipe::preset("raw");
    let refused = Dataset::open(&DataSource::Path(folder.path().to_owned()), data.inputs(), raw.as_ref(), None);
    assert!(refused.unwrap_err().to_string().contains("nothing to preprocess"));
}

#[test]
fn settings_that_cannot_take_effect_are_refused() {
    let (_folder, path) = npz! { "x": array![[1.0_f32, 2.0]] };
    let inputs = [input("x", F32, &[-1, 2])];
    let says = |options: DataOptions, words: &str| {
        let error = open_with(&path, &inputs, &options).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    says(DataOptions { recipe: Recipe::preset("raw"), ..DataOptions::default() }, "no input takes pictures");
    let labels = LabelOptions { column: Some("kind".to_owned()), classes: None };
    says(DataOptions { labels, ..DataOptions::default() }, "no label array \"kind\"");
    let labels = LabelOptions { column: None, classes: Some(vec!["a".to_owned()]) };
    says(DataOptions { labels, ..DataOptions::default() }, "no labels that it could apply to");
    assert!(open(&path, &[]).unwrap_err().to_string().contains("no inputs"));
}

#[test]
fn a_model_may_not_ask_for_any_amount_of_memory() {
    let (folder, path) = npz! { "x": Array4::<u8>::zeros((1, 3, 8, 8)) };
    let huge = [input("x", F32, &[1 << 40, 3, 8, 8])];
    assert!(open(&path, &huge).unwrap_err().to_string().contains("too large"));
    plain(&folder.path().join("a.png"), [0; 3]);
    assert!(open(folder.path(), &huge).unwrap_err().to_string().contains("too large"));
}

#[test]
fn files_that_are_no_data() {
    let folder = tempfile::tempdir().unwrap();
    let x = [input("x", F32, &[-1, 2])];
    let says = |name: &str, bytes: &[u8], words: &str| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = open(&path, &x).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains(name), "{error}");
        fs::remove_file(path).unwrap();
    };
    says("a.txt", b"hello", "is no data that this program reads");
    says("a.npz", b"", "not a whole .npz");
    says("a.npz", b"PK\x03\x04 and nothing", "not a whole .npz");
    says("a.npy", b"\x93NUMPY", "ends inside its header");
    let mut whole = Vec::new();
    array![[1.0_f32, 2.0]].write_npy(&mut whole).unwrap();
    says("cut.npy", &whole[..whole.len() - 1], "is truncated");
    let error = open(folder.path(), &x).unwrap_err().to_string();
    assert!(error.contains("no pictures, .npy or .npz"), "{error}");
    let error = open(&folder.path().join("nowhere"), &x).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[test]
fn synthetic_samples_are_marked() {
    assert_eq!(DataSource::parse("synthetic".as_ref()), DataSource::Synthetic { samples: 32, seed: 0 });
    let source = DataSource::Synthetic { samples: 3, seed: 1 };
    let data = Dataset::open(&source, &[input("x", F32, &[-1, 3, 96, 96])], None, Some(2)).unwrap();
    assert_eq!((data.len(), codes(&data)), (2, vec!["synthetic"]));
    assert!(data.recipe().unwrap().guessed && data.thumbnail(0).is_some());
    // Pictures through the guessed recipe have the range that it leads to.
    assert!(check(&data, 2).unwrap().banners.is_empty());
    let refused = Dataset::open(&source, &[input("x", F32, &[-1, 4])], Recipe::preset("raw").as_ref(), None);
    assert!(refused.unwrap_err().to_string().contains("no input takes pictures"));
}
