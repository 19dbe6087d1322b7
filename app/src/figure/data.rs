//! The numbers behind a figure, as CSV or JSON for a file and as tab-separated lines for the clipboard: raw and in full
//! precision. Columns have English names whatever the window speaks; series are called as in the figure.
//!
//! A table of one line for each thing that is drawn. JSON has what a line has no room for, too: the values of a map.
//! What is no number is empty in a table and `null` in JSON, where a `…_why` beside it says why.

use quantlens_analysis::metrics::Measure;
use serde_json::{Map, Value, json};

use super::spec::{FigureSpec, Shape};

/// The `schema` of the JSON.
const SCHEMA: &str = "quantlens-figure/1";

/// One figure's numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FigureData {
    /// What it is about, by name: `title`, `layer`, `sample`.
    pub about: Vec<(&'static str, Cell)>,
    /// Names of the columns.
    pub columns: Vec<&'static str>,
    /// The lines, each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
    /// What each line has beyond its cells, in JSON alone.
    pub lists: Vec<(&'static str, Vec<Vec<f32>>)>,
}

/// One value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cell {
    /// There is none.
    #[default]
    Empty,
    /// A name.
    Text(String),
    /// A number.
    Number(f64),
    /// A number of the model, in its own precision.
    Single(f32),
    /// A whole number.
    Count(usize),
    /// A metric, or why there is none.
    Measure(Measure),
    /// Several whole numbers: a shape, a place.
    Counts(Vec<usize>),
    /// Several names.
    Texts(Vec<String>),
    /// Yes or no.
    Flag(bool),
}

impl Cell {
    /// A text, or none.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// What there may be.
    pub fn maybe<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Empty, cell)
    }

    fn plain(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Single(number) => number.to_string(),
            Self::Count(count) => count.to_string(),
            // As in copied rows: spreadsheets and Python read it.
            Self::Measure(Measure::Exact) => "inf".into(),
            Self::Measure(measure) => measure.value().map_or_else(String::new, |value| value.to_string()),
            Self::Counts(counts) => counts.iter().map(usize::to_string).collect::<Vec<_>>().join(" "),
            Self::Texts(texts) => texts.join(" "),
            Self::Flag(flag) => flag.to_string(),
        }
    }

    fn into_json(self, name: &str, object: &mut Map<String, Value>) {
        let value = match self {
            Self::Empty => Value::Null,
            Self::Text(text) => text.into(),
            // JSON has no infinity.
            Self::Number(number) => json!(number),
            // As short as it can be said: 0.1 and not 0.10000000149.
            Self::Single(number) => serde_json::from_str(&number.to_string()).unwrap_or_default(),
            Self::Count(count) => count.into(),
            Self::Measure(measure) => {
                if let Some(why) = measure.why() {
                    object.insert(format!("{name}_why"), why.into());
                }
                json!(measure.value())
            }
            Self::Counts(counts) => counts.into(),
            Self::Texts(texts) => texts.into(),
            Self::Flag(flag) => flag.into(),
        };
        object.insert(name.to_owned(), value);
    }
}

impl FigureData {
    /// What a chart shows: a line for each point, bar and bin, with the series it belongs to.
    pub fn of_chart(spec: &FigureSpec) -> Self {
        let text = |name, text: &str| (name, Cell::text(text));
        let about = vec![
            text("figure", spec.kind),
            text("title", &spec.title),
            text("stamp", &spec.stamp),
            text("x_axis", &spec.x.label),
            text("y_axis", &spec.y.label),
            text("summary", &spec.summary),
        ];
        let columns = vec!["series", "shape", "name", "x", "x_end", "y", "y_end", "strength"];
        let mut rows = Vec::new();
        for series in &spec.series {
            shape_rows(&series.name, &series.shape, &mut rows);
        }
        let line = |shape: &str, name: &str, ends: [Cell; 2]| {
            let [x, x_end] = ends;
            row([Cell::Empty, Cell::text(shape), Cell::text(name)], [x, x_end, Cell::Empty, Cell::Empty])
        };
        rows.extend(spec.marks.iter().map(|mark| line("mark", &mark.label, [Cell::Number(mark.x), Cell::Empty])));
        let ends = |low, high| [Cell::Number(low), Cell::Number(high)];
        rows.extend(spec.spans.iter().map(|span| line("span", &span.label, ends(span.low, span.high))));
        Self { about, columns, rows, lists: Vec::new() }
    }

    /// Tab-separated, with a header: for pasting into a sheet.
    pub fn tsv(&self) -> String {
        // Tabs and line breaks would begin another cell.
        self.lines("\t", |cell| cell.replace(['\t', '\n', '\r'], " "))
    }

    /// Comma-separated with a header, and `#` lines that say what it is.
    pub fn csv(&self) -> String {
        let about = self.about.iter().filter(|(_, cell)| *cell != Cell::Empty);
        let about = about.map(|(name, cell)| format!("# {name}: {}\n", cell.plain().replace(['\n', '\r'], " ")));
        about.chain([format!("# quantlens {}\n", env!("CARGO_PKG_VERSION")), self.lines(",", quoted)]).collect()
    }

    fn lines(&self, between: &str, clean: impl Fn(String) -> String) -> String {
        let mut text = self.columns.join(between) + "\n";
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|cell| clean(cell.plain())).collect();
            text.push_str(&cells.join(between));
            text.push('\n');
        }
        text
    }

    /// One object: what it is about, and its `rows`.
    pub fn json(self) -> String {
        let mut object = Map::new();
        object.insert("schema".into(), SCHEMA.into());
        object.insert("quantlens".into(), env!("CARGO_PKG_VERSION").into());
        for (name, cell) in self.about {
            cell.into_json(name, &mut object);
        }
        let head = serde_json::to_string_pretty(&Value::Object(object)).unwrap_or_default();
        // A line for each row: as readable as a table, and a map's values are no thousand lines.
        let mut text = format!("{},\n  \"rows\": [", head.strip_suffix("\n}").unwrap_or(&head));
        for (place, row) in self.rows.into_iter().enumerate() {
            text.push_str(if place == 0 { "\n    " } else { ",\n    " });
            let mut object = Map::new();
            for (name, cell) in self.columns.iter().zip(row) {
                cell.into_json(name, &mut object);
            }
            text.push_str(&Value::Object(object).to_string());
            for (name, lists) in &self.lists {
                // As text at once: a million values are too many to be values of JSON first.
                let list = lists.get(place).and_then(|list| serde_json::to_string(list).ok());
                text.pop();
                text.push_str(&format!(",\"{name}\":{}}}", list.as_deref().unwrap_or("null")));
            }
        }
        text + "\n  ]\n}\n"
    }
}

/// A cell that holds a comma, a quote or a line break is put in quotes.
fn quoted(cell: String) -> String {
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

/// A line of a chart's table, without a strength.
fn row(words: [Cell; 3], places: [Cell; 4]) -> Vec<Cell> {
    words.into_iter().chain(places).chain([Cell::Empty]).collect()
}

fn shape_rows(series: &str, shape: &Shape, rows: &mut Vec<Vec<Cell>>) {
    let words = |shape: &str, name: &str| {
        let name = if name.is_empty() { Cell::Empty } else { Cell::text(name) };
        [Cell::text(series), Cell::text(shape), name]
    };
    let number = Cell::Number;
    let point =
        |shape: &str, at: &[f64; 2]| row(words(shape, ""), [number(at[0]), Cell::Empty, number(at[1]), Cell::Empty]);
    match shape {
        Shape::Line { points, .. } => rows.extend(points.iter().map(|at| point("line", at))),
        Shape::Dots { points } => rows.extend(points.iter().map(|at| point("dots", at))),
        Shape::Steps { edges, heights, .. } => rows.extend(edges.windows(2).zip(heights).map(|(ends, height)| {
            row(words("steps", ""), [number(ends[0]), number(ends[1]), number(*height), Cell::Empty])
        })),
        Shape::Bars { bars, .. } | Shape::Whiskers { bars, .. } => {
            let kind = if matches!(shape, Shape::Bars { .. }) { "bars" } else { "whiskers" };
            let bar = |bar: &super::Bar| {
                row(words(kind, &bar.name), [number(bar.x), Cell::Empty, number(bar.low), number(bar.high)])
            };
            rows.extend(bars.iter().map(bar));
        }
        Shape::Level { y, .. } => {
            rows.push(row(words("level", ""), [Cell::Empty, Cell::Empty, number(*y), Cell::Empty]));
        }
        Shape::Cells { edges, strengths } => {
            let side = edges.len().saturating_sub(1).max(1);
            let filled = strengths.iter().enumerate().filter(|(_, strength)| **strength > 0.0);
            rows.extend(filled.filter_map(|(place, strength)| {
                let ends = |at: usize| Some([number(*edges.get(at)?), number(*edges.get(at + 1)?)]);
                let ([x, x_end], [y, y_end]) = (ends(place % side)?, ends(place / side)?);
                let mut cells = row(words("cells", ""), [x, x_end, y, y_end]);
                *cells.last_mut()? = number(f64::from(*strength));
                Some(cells)
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Axis, Bar, Ink, Mark, Series, Stroke};

    fn chart() -> FigureSpec {
        let bar = Bar { name: "a \"b\", c".into(), x: 1.0, low: 0.0, high: 0.1 };
        let series = |name: &str, shape| Series { name: name.into(), ink: Ink::Float, shape };
        FigureSpec {
            kind: "test",
            title: "Output of a".into(),
            stamp: String::new(),
            x: Axis::linear("value", 0.0, 2.0),
            y: Axis::linear("count", 0.0, 9.0),
            series: vec![
                series("float", Shape::Steps { edges: vec![0.0, 1.0, 2.0], heights: vec![4.0, 7.0], filled: true }),
                series("bars", Shape::Bars { bars: vec![bar], width: 0.8, filled: true }),
                series("cost", Shape::Line { points: vec![[0.5, f64::INFINITY]], stroke: Stroke::Solid }),
                series("map", Shape::Cells { edges: vec![0.0, 1.0, 2.0], strengths: vec![0.0, 0.5, 0.0, 0.0] }),
            ],
            marks: vec![Mark { x: 1.5, label: "1.50".into(), ink: Ink::Current, stroke: Stroke::Solid }],
            spans: Vec::new(),
            handles: Vec::new(),
            summary: "one\ntwo".into(),
        }
    }

    #[test]
    fn a_chart_has_a_line_for_each_thing_drawn() {
        let data = FigureData::of_chart(&chart());
        let tsv = data.tsv();
        let lines: Vec<&str> = tsv.lines().collect();
        assert_eq!(lines[1..3], ["float\tsteps\t\t0\t1\t4\t\t", "float\tsteps\t\t1\t2\t7\t\t"]);
        assert_eq!(lines[3], "bars\tbars\ta \"b\", c\t1\t\t0\t0.1\t");
        assert_eq!(lines[5..], ["map\tcells\t\t1\t2\t0\t1\t0.5", "\tmark\t1.50\t1.5\t\t\t\t"]);
        let csv = data.csv();
        assert!(
            csv.contains("\nbars,bars,\"a \"\"b\"\", c\",1,,0,0.1,\n") && csv.contains("# summary: one two\n"),
            "{csv}"
        );
    }

    #[test]
    fn json_says_why_there_is_no_number_and_has_the_lists() {
        let mut data = FigureData::of_chart(&chart());
        data.about.push(("sqnr_db", Cell::Measure(Measure::Exact)));
        data.lists.push(("values", vec![vec![0.5, f32::NAN]]));
        let value: Value = serde_json::from_str(&data.json()).unwrap();
        assert_eq!(
            (&value["schema"], &value["sqnr_db"], &value["sqnr_db_why"]),
            (&json!(SCHEMA), &Value::Null, &json!("exact"))
        );
        assert_eq!(value["rows"].as_array().unwrap().len(), 6);
        assert_eq!((&value["rows"][0]["y"], &value["rows"][0]["values"]), (&json!(4.0), &json!([0.5, null])));
        assert_eq!(value["rows"][3]["y"], Value::Null, "JSON has no infinity");
        let none = FigureData { rows: Vec::new(), ..FigureData::of_chart(&chart()) };
        assert_eq!(serde_json::from_str::<Value>(&none.json()).unwrap()["rows"], json!([]));
    }
}
