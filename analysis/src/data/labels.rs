//! True classes of the samples: from `labels.csv`, `labels.npy`, an array beside the data, or a folder per class.
//!
//! The tricky part is numbering. An integer is the model's class as it stands; a text needs an order, and a wrong order
//! gives an accuracy near chance that looks like a broken model. So texts are numbered by the order the user gives, else by a
//! names file, and only a table's text column falls back to sorted order, with a warning. Folder names never do.

use std::{collections::BTreeMap, path::Path};

use super::{
    csv,
    elements::{Number, numbers},
    files,
    names::ClassNames,
    npy,
};
use crate::{
    error::{Error, Result},
    job::Warning,
    say,
    tensor::{Tensor, TensorData},
};

/// Names of arrays that hold labels.
pub(super) const ARRAYS: [&str; 3] = ["labels", "label", "y"];

/// How labels are to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelOptions {
    /// The column of `labels.csv`, or the array of an `.npz`, that holds the labels; `None`: found by name.
    pub column: Option<String>,
    /// The model's classes in its own order, for labels that are texts.
    pub classes: Option<Vec<String>>,
}

/// The labels of a data set.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels {
    /// One entry a picture or row; `None` where nothing is known. Empty when there are no labels at all.
    pub(super) classes: Vec<Option<usize>>,
    /// Names of the classes, where known.
    pub(super) names: Option<ClassNames>,
    pub(super) warnings: Vec<Warning>,
}

/// Labels of the pictures `paths` (relative to `folder`, `/` between parts).
///
/// # Errors
/// [`Error::Config`] for a column that does not exist or a label outside the given classes, [`Error::Format`] for a broken file.
pub(super) fn of_pictures(folder: &Path, paths: &[String], options: &LabelOptions) -> Result<Labels> {
    let mut found = Labels { names: known_names(folder, options)?, ..Labels::default() };
    // A table often stands beside the folders it lists, so the parent is looked at too.
    let places = [Some(folder), folder.parent()];
    let table = places.into_iter().flatten().map(|f| f.join("labels.csv")).find(|p| p.is_file());
    if let Some(table) = table {
        of_table(&table, paths, options, &mut found)?;
    } else if let Some(column) = &options.column {
        return Err(Error::config(
            say!("label column"),
            say!("{} needs a labels.csv in {}", format!("{column:?}"), folder.display()),
        ));
    }
    let array = folder.join("labels.npy");
    if found.classes.is_empty() && array.is_file() {
        let tensor = npy::parse(&files::read(&array)?).map_err(|reason| Error::format(&array, reason))?;
        of_array("labels.npy", &tensor, paths.len(), options, &mut found)?;
    }
    if found.classes.is_empty() {
        of_folders(paths, &mut found);
    }
    Ok(found)
}

/// The user's own order, else a names file in the data folder or its parent.
fn known_names(folder: &Path, options: &LabelOptions) -> Result<Option<ClassNames>> {
    if let Some(classes) = &options.classes {
        return Ok(Some(ClassNames::from_list(classes.clone())));
    }
    let places = [Some(folder), folder.parent()];
    let file = places.into_iter().flatten().find_map(ClassNames::find);
    file.map(|path| ClassNames::read(&path)).transpose()
}

/// Labels from a table whose first column (or the one headed path, file, image or name) lists pictures.
fn of_table(table: &Path, paths: &[String], options: &LabelOptions, found: &mut Labels) -> Result<()> {
    let rows = csv::rows(&files::read_text(table)?);
    let Some((header, body)) = rows.split_first() else { return Ok(()) };
    let is_path =
        |h: &String| ["path", "file", "filename", "image", "name"].contains(&h.trim().to_lowercase().as_str());
    // Without any header both columns are data: `a.jpg,3`.
    let headless = |h: &[String]| h.len() == 2 && h.get(1).is_some_and(|cell| cell.trim().parse::<i64>().is_ok());
    let place = table.display().to_string();
    let (body, path_at, column) = match (pick_column(header, body, options), &options.column) {
        (Some(column), _) => (body, header.iter().position(is_path).unwrap_or(0), column),
        (None, Some(asked)) => {
            return Err(Error::config(
                place,
                say!("has no column {}, only {}", format!("{asked:?}"), header.join(", ")),
            ));
        }
        (None, None) if headless(header) => (&rows[..], 0, 1),
        (None, None) => {
            let message = say!("{} has no column headed label, idx or class; name the column to use it", place);
            found.warnings.push(Warning::new("labels-column", message));
            return Ok(());
        }
    };
    let mut by_name: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for row in body {
        if let (Some(path), Some(label)) = (row.get(path_at), row.get(column)) {
            by_name.entry(last_part(path)).or_default().push((path, label.trim()));
        }
    }
    let texts: Vec<Option<&str>> = paths
        .iter()
        .map(|path| by_name.get(last_part(path)).and_then(|rows| best_row(rows, path)).filter(|l| !l.is_empty()))
        .collect();
    if texts.iter().any(Option::is_some) {
        found.classes = numbered(&texts, &place, found, options)?;
    }
    Ok(())
}

/// The asked column; else the first one headed like a label whose cells are integers; else the first headed so.
fn pick_column(header: &[String], body: &[Vec<String>], options: &LabelOptions) -> Option<usize> {
    if let Some(asked) = &options.column {
        return header.iter().position(|h| h.trim() == asked);
    }
    let like = |words: &[&str]| -> Vec<usize> {
        let named = |h: &String| words.iter().any(|w| h.to_lowercase().contains(w));
        header.iter().enumerate().filter(|(_, h)| named(h)).map(|(k, _)| k).collect()
    };
    let integers = |&k: &usize| {
        let mut cells = body.iter().filter_map(|r| r.get(k)).filter(|c| !c.trim().is_empty()).peekable();
        cells.peek().is_some() && cells.all(|c| c.trim().parse::<i64>().is_ok())
    };
    let candidates = like(&["label", "idx", "class"]);
    candidates.iter().copied().find(integers).or(candidates.first().copied())
}

fn last_part(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Of several rows for a file name the one that shares most trailing parts with `path`; `None` if two are equally good.
fn best_row<'a>(rows: &[(&'a str, &'a str)], path: &str) -> Option<&'a str> {
    let parts = |p: &str| p.rsplit(['/', '\\']).map(str::to_owned).collect::<Vec<_>>();
    let wanted = parts(path);
    let shared = |row: &str| parts(row).iter().zip(&wanted).take_while(|(a, b)| a == b).count();
    let best = rows.iter().map(|(row, _)| shared(row)).max()?;
    let mut at_best = rows.iter().filter(|(row, _)| shared(row) == best).map(|(_, label)| *label);
    let first = at_best.next()?;
    at_best.all(|other| other == first).then_some(first)
}

/// Numbers labels given as texts.
fn numbered(
    texts: &[Option<&str>],
    place: &str,
    found: &mut Labels,
    options: &LabelOptions,
) -> Result<Vec<Option<usize>>> {
    let integers: Option<Vec<Option<i64>>> =
        texts.iter().map(|t| t.map(|t| t.parse().ok()).map_or(Some(None), |n| n.map(Some))).collect();
    // Given classes that are digits themselves ("3", "5") are names, not numbers.
    let digits_are_names = options.classes.as_ref().is_some_and(|c| c.iter().all(|c| c.parse::<i64>().is_ok()));
    if let Some(integers) = integers.filter(|_| !digits_are_names) {
        // −1 is the usual mark for "unknown".
        return Ok(integers.into_iter().map(|n| n.and_then(|n| usize::try_from(n).ok())).collect());
    }
    let known =
        |names: &ClassNames| texts.iter().flatten().find(|t| names.index_of(t).is_none()).map(|t| (*t).to_owned());
    match found.names.as_ref().map(|names| (names, known(names))) {
        Some((names, None)) => return Ok(texts.iter().map(|t| t.and_then(|t| names.index_of(t))).collect()),
        Some((_, Some(missing))) if options.classes.is_some() => {
            return Err(Error::config(
                place.to_owned(),
                say!("label {} is none of the given classes", format!("{missing:?}")),
            ));
        }
        _ => {}
    }
    let mut sorted: Vec<String> = texts.iter().flatten().map(|t| (*t).to_owned()).collect();
    sorted.sort();
    sorted.dedup();
    let order = if sorted.len() > 12 { say!("{} classes", sorted.len()) } else { sorted.join(", ").into() };
    found.warnings.push(Warning::new(
        "labels-sorted",
        say!(
            "{}: text labels are numbered in sorted order ({}); give the model's own class order if it differs",
            place,
            order
        ),
    ));
    let names = ClassNames::from_list(sorted);
    let classes =
        texts.iter().map(|t| t.and_then(|t| names.names.binary_search_by(|n| n.as_str().cmp(t)).ok())).collect();
    found.names = Some(names);
    Ok(classes)
}

/// Labels from an array of `rows` integers or texts; another length is a warning and no labels.
pub(super) fn of_array(
    name: &str,
    tensor: &Tensor,
    rows: usize,
    options: &LabelOptions,
    found: &mut Labels,
) -> Result<()> {
    let flat = tensor.len() == rows && tensor.shape.first() == Some(&rows);
    if !flat {
        let message = say!(
            "{} has shape {} and not one label for each of {} samples; it is not used",
            name,
            format!("{:?}", tensor.shape),
            rows
        );
        found.warnings.push(Warning::new("labels-shape", message));
        return Ok(());
    }
    if let TensorData::String(texts) = &tensor.data {
        let texts: Vec<Option<&str>> = texts.iter().map(|t| Some(t.as_str()).filter(|t| !t.is_empty())).collect();
        found.classes = numbered(&texts, name, found, options)?;
        return Ok(());
    }
    let class = |number: Number| match number {
        Number::Int(v) => usize::try_from(v).ok(),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and inside 0…2^32")]
        Number::Float(v) => (v.fract() == 0.0 && (0.0..4e9).contains(&v)).then_some(v as usize),
    };
    found.classes = numbers(&tensor.data).map(class).collect();
    Ok(())
}

/// Labels from a folder per class: all folder names integers, or all known names.
fn of_folders(paths: &[String], found: &mut Labels) {
    let parents: Option<Vec<&str>> = paths.iter().map(|p| Some(last_part(p.rsplit_once('/')?.0))).collect();
    let Some(parents) = parents else { return };
    let integers: Option<Vec<usize>> = parents.iter().map(|p| p.parse().ok()).collect();
    let named = || parents.iter().map(|p| found.names.as_ref()?.index_of(p)).collect::<Option<Vec<usize>>>();
    if let Some(classes) = integers.or_else(named) {
        found.classes = classes.into_iter().map(Some).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn of(folder: &Path, paths: &[&str], options: &LabelOptions) -> Result<Labels> {
        of_pictures(folder, &paths.iter().map(|&p| p.to_owned()).collect::<Vec<_>>(), options)
    }

    #[test]
    fn a_table_by_column() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("pics");
        fs::create_dir(&folder).unwrap();
        let csv = "path,kind_idx,label_text,group\npics/a.jpg,7,cat,x\npics/b.jpg,,dog,y\nother/a.jpg,9,cow,z\n";
        fs::write(folder.join("labels.csv"), csv).unwrap();
        let found = of(&folder, &["pics/a.jpg", "b.jpg", "c.jpg"], &LabelOptions::default()).unwrap();
        // The first integer column; two parts of pics/a.jpg agree, one of other/a.jpg; b has no number; c is not listed.
        assert_eq!(found.classes, [Some(7), None, None]);
        let column = |c: &str| LabelOptions { column: Some(c.to_owned()), classes: None };
        let found = of(&folder, &["pics/a.jpg", "b.jpg"], &column("group")).unwrap();
        assert_eq!((found.classes, found.warnings[0].code.as_str()), (vec![Some(0), Some(1)], "labels-sorted"));
        let classes = |names: &[&str]| Some(names.iter().map(|&n| n.to_owned()).collect());
        let own = LabelOptions { classes: classes(&["y", "w", "x"]), ..column("group") };
        let found = of(&folder, &["pics/a.jpg", "b.jpg"], &own).unwrap();
        assert_eq!((found.classes, found.warnings.len()), (vec![Some(2), Some(0)], 0));
        let wrong = LabelOptions { classes: classes(&["y", "w"]), ..column("group") };
        assert!(of(&folder, &["pics/a.jpg"], &wrong).unwrap_err().to_string().contains("\"x\" is none of"));
        assert!(of(&folder, &["b.jpg"], &column("grp")).unwrap_err().to_string().contains("no column \"grp\""));
        // The same table from the folder above.
        fs::rename(folder.join("labels.csv"), parent.path().join("labels.csv")).unwrap();
        // Two rows are equally good for a bare a.jpg: no label rather than the wrong one.
        assert!(of(&folder, &["a.jpg"], &LabelOptions::default()).unwrap().classes.is_empty());
        assert_eq!(of(&folder, &["b.jpg"], &column("label_text")).unwrap().classes, [Some(0)]);
    }

    #[test]
    fn a_table_without_header_and_an_array() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.csv");
        fs::write(&path, "b.png,4\na.png,2\n").unwrap();
        assert_eq!(
            of(folder.path(), &["a.png", "b.png"], &LabelOptions::default()).unwrap().classes,
            [Some(2), Some(4)]
        );
        fs::remove_file(path).unwrap();
        ndarray_npy::write_npy(folder.path().join("labels.npy"), &ndarray::array![5_i64, -1]).unwrap();
        assert_eq!(of(folder.path(), &["a.png", "b.png"], &LabelOptions::default()).unwrap().classes, [Some(5), None]);
        let short = of(folder.path(), &["a.png"], &LabelOptions::default()).unwrap();
        assert_eq!((short.classes.len(), short.warnings[0].code.as_str()), (0, "labels-shape"));
        let asked = LabelOptions { column: Some("x".to_owned()), classes: None };
        assert!(of(folder.path(), &["a.png"], &asked).is_err());
    }

    #[test]
    fn a_folder_per_class() {
        let folder = tempfile::tempdir().unwrap();
        let of = |paths: &[&str]| of(folder.path(), paths, &LabelOptions::default()).unwrap().classes;
        assert_eq!(of(&["0/a.png", "12/b.png"]), [Some(0), Some(12)]);
        // Names without an order are no labels, and one stray picture spoils the rule.
        assert!(of(&["cat/a.png", "dog/b.png"]).is_empty());
        assert!(of(&["0/a.png", "b.png"]).is_empty());
        fs::write(folder.path().join("classes.txt"), "dog\ncat\n").unwrap();
        assert_eq!(of(&["cat/a.png", "dog/b.png"]), [Some(1), Some(0)]);
    }

    #[test]
    fn label_arrays() {
        let mut found = Labels::default();
        let whole = Tensor { shape: vec![2, 1], data: TensorData::Float32(vec![3.0, 0.5]) };
        of_array("y", &whole, 2, &LabelOptions::default(), &mut found).unwrap();
        assert_eq!(found.classes, [Some(3), None]);
    }
}
