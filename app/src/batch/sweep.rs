//! `quantlens sweep`

use std::{fmt::Write as _, process::ExitCode, sync::Arc};

use anyhow::Result;
use quantlens_analysis::{
    job::{CancelToken, Job},
    metrics::Measure,
    report::{ModelInfo, Sweep, SweepOutput, SweepRow},
    sensitivity::{Interval, Question, SweepRequest},
    workbench::LIVE_SAMPLES,
};
use serde_json::{Value, json};

use super::{analyze::write, csv, options::SweepArgs, progress::Reporter, workbench};

/// The `schema` of a sweep.
const SCHEMA: &str = "quantlens-sweep/1";

pub(super) fn run(args: &SweepArgs) -> Result<ExitCode> {
    let request = |question| SweepRequest {
        question,
        kind: args.kind,
        samples: args.evaluation.samples.map_or(LIVE_SAMPLES, |n| n as usize),
        exact: args.exact,
    };
    let sensitivity = request(Question::Sensitivity(args.bits.clone()));
    // Before a minute of loading.
    sensitivity.check()?;
    let mut reporter = Reporter::new();
    let mut workbench = workbench::prepare(&args.evaluation, Some(0), &mut reporter)?;
    let config = Arc::new(args.evaluation.quant_config()?);
    let mut show = |p| reporter.show(&p);
    let mut job = Job { cancel: CancelToken::new(), progress: &mut show };
    let alone = workbench.sweep(&config, &sensitivity, &mut job, &mut |_| ())?;
    let relief = match args.relief {
        true => Some(workbench.sweep(&config, &request(Question::Relief), &mut job, &mut |_| ())?),
        false => None,
    };
    drop(reporter);
    let model = workbench.model();
    if let Some(path) = &args.json {
        write(path, &to_json(&model, &alone, relief.as_deref())?)?;
    }
    if let Some(path) = &args.csv {
        write(path, &to_csv(&model, &alone, relief.as_deref()))?;
    }
    if ![&args.json, &args.csv].into_iter().flatten().any(|p| p.as_os_str() == "-") {
        print!("{}", table(&alone, relief.as_deref()));
    }
    Ok(ExitCode::SUCCESS)
}

fn to_json(model: &ModelInfo, alone: &Sweep, relief: Option<&Sweep>) -> Result<String> {
    let rows = |sweep: &Sweep| sweep.rows.iter().map(|row| row_json(sweep, row)).collect::<Result<Vec<_>>>();
    let config: Value = serde_json::from_str(&alone.config.to_json())?;
    let mut value = json!({
        "schema": SCHEMA,
        "model": { "path": model.path.display().to_string(), "sha256": model.sha256 },
        "samples": alone.samples,
        "config": config,
        "layers": rows(alone)?,
        "timing": alone.timing,
    });
    if let (Some(relief), Some(object)) = (relief, value.as_object_mut()) {
        object.insert("configuration".into(), outputs_json(&relief.configuration)?);
        object.insert("relief".into(), json!(rows(relief)?));
        object.insert("relief_timing".into(), json!(relief.timing));
    }
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

fn row_json(sweep: &Sweep, row: &SweepRow) -> Result<Value> {
    let mut value = json!({
        "index": row.index,
        "name": row.name,
        "op": row.op,
        "kind": sweep.request.kind,
        "outputs": outputs_json(&row.outputs)?,
    });
    if let Some(object) = value.as_object_mut() {
        // A relief has no width: it makes the layer float.
        if let Some(bits) = row.bits {
            object.insert("bits".into(), json!(bits));
        }
        if let Some(why) = &row.refused {
            object.insert("why".into(), json!(why));
        }
    }
    Ok(value)
}

fn outputs_json(outputs: &[SweepOutput]) -> Result<Value> {
    let output = |output: &SweepOutput| {
        let mut value = serde_json::to_value(output.errors)?;
        if let Some(object) = value.as_object_mut() {
            object.insert("name".into(), json!(output.name));
            object.insert("sqnr_db_95".into(), json!(output.interval));
            object.insert("estimate".into(), json!(output.estimate));
            if output.gain_db.is_some() {
                object.insert("gain_db".into(), json!(output.gain_db));
                object.insert("gain_db_95".into(), json!(output.gain_interval));
            }
        }
        Ok(value)
    };
    Ok(Value::Array(outputs.iter().map(output).collect::<Result<_>>()?))
}

fn to_csv(model: &ModelInfo, alone: &Sweep, relief: Option<&Sweep>) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = writeln!(text, "# model {} sha256 {}", model.path.display(), model.sha256);
    let _ = writeln!(text, "# samples {}", alone.samples);
    let config: String = alone.config.to_json().split_whitespace().collect::<Vec<_>>().join(" ");
    let _ = writeln!(text, "# config {config}");
    let _ = writeln!(text, "# quantlens {}", env!("CARGO_PKG_VERSION"));
    text.push_str("question,index,name,op,kind,bits,output,sqnr_db,low_95,high_95,gain_db,gain_low_95,gain_high_95,estimate,why\n");
    for (question, sweep) in [("sensitivity", Some(alone)), ("relief", relief)] {
        for (sweep, row) in sweep.into_iter().flat_map(|sweep| sweep.rows.iter().map(move |row| (sweep, row))) {
            let bits = row.bits.map_or_else(|| "float".to_owned(), |bits| bits.to_string());
            let name = csv::quoted(&row.name);
            let start = format!("{question},{},{name},{},{},{bits}", row.index, row.op, sweep.request.kind.name());
            for output in &row.outputs {
                let ends = |interval: Option<Interval>| {
                    interval.map_or_else(|| ",".to_owned(), |i| format!("{},{}", i.low, i.high))
                };
                let gain = output.gain_db.map(|gain| gain.to_string()).unwrap_or_default();
                let _ = writeln!(
                    text,
                    "{start},{},{},{},{gain},{},{},",
                    csv::quoted(&output.name),
                    csv::cell(output.errors.sqnr_db),
                    ends(output.interval),
                    ends(output.gain_interval),
                    output.estimate
                );
            }
            if let Some(why) = &row.refused {
                let _ = writeln!(text, "{start},,,,,,,,,{}", csv::quoted(why));
            }
        }
    }
    text
}

/// The layers for people, the most harmful first.
fn table(alone: &Sweep, relief: Option<&Sweep>) -> String {
    let mut text = String::new();
    let samples = crate::format::plural(alone.samples, "sample");
    let kind = alone.request.kind.name();
    let Question::Sensitivity(widths) = &alone.request.question else { return text };
    if alone.layers_total == 0 {
        text.push_str("no layer of this model has quantizers of this kind for this target\n");
        return text;
    }
    for &bits in widths {
        let _ = writeln!(text, "\nonly this layer quantized ({kind}, {bits} bits), SQNR at the output, {samples}");
        for row in alone.worst_first(Some(bits)) {
            line(&mut text, row, |output| (measure(output.errors.sqnr_db), output.interval));
        }
    }
    if let Some(relief) = relief {
        let base = relief.configuration.first().map_or_else(String::new, |output| measure(output.errors.sqnr_db));
        let _ = writeln!(
            text,
            "\nall quantized but this layer ({kind} float), gain over the configuration's {base}, {samples}"
        );
        for row in relief.worst_first(None) {
            let gain =
                |output: &SweepOutput| output.gain_db.map_or_else(|| "–".to_owned(), |gain| format!("{gain:+.2} dB"));
            line(&mut text, row, |output| (gain(output), output.gain_interval));
        }
    }
    if alone.rows.iter().flat_map(|row| &row.outputs).any(|output| output.estimate) {
        text.push_str("\n~ estimate through optimized sessions (--exact avoids them)\n");
    }
    text
}

fn line(text: &mut String, row: &SweepRow, value: impl Fn(&SweepOutput) -> (String, Option<Interval>)) {
    let (shown, interval, mark) = match (row.headline(), &row.refused) {
        (Some(output), _) => {
            let (shown, interval) = value(output);
            (shown, interval, if output.estimate { "~" } else { " " })
        }
        (None, Some(why)) => (why.to_string(), None, " "),
        (None, None) => ("–".to_owned(), None, " "),
    };
    let interval = interval.map_or_else(String::new, |i| format!("[{:.2} … {:.2}]", i.low, i.high));
    let _ = writeln!(text, "{:>4}  {:<40}  {:<18}  {mark}{shown:>10}  {interval}", row.index, row.name, row.op);
}

fn measure(measure: Measure) -> String {
    match measure {
        Measure::Value(db) => format!("{db:.2} dB"),
        Measure::Exact => "exact".into(),
        Measure::NotApplicable(_) => "–".into(),
    }
}
