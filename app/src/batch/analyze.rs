//! `quantlens analyze`

use std::{io::Write as _, path::Path, process::ExitCode, sync::Arc};

use anyhow::{Context as _, Result};
use quantlens_analysis::{
    job::{CancelToken, Job},
    metrics::Measure,
    report::Report,
};

use super::{LIMIT_CROSSED, against, csv, json, options::AnalyzeArgs, progress::Reporter, table, workbench};
use crate::files;

pub(super) fn run(args: &AnalyzeArgs) -> Result<ExitCode> {
    let mut reporter = Reporter::new();
    let mut workbench = workbench::prepare(&args.evaluation, Some(0), &mut reporter)?;
    let (config, told) = args.evaluation.quant_config_told()?;
    let config = Arc::new(config);
    let mut show = |p| reporter.show(&p);
    let mut job = Job { cancel: CancelToken::new(), progress: &mut show };
    let against = args.against.as_deref().map(|path| against::evaluate(path, &mut workbench, &mut job)).transpose()?;
    let mut report = workbench.evaluate(&config, &mut job, &mut |_| {})?;
    drop(reporter);
    for warning in &report.warnings {
        eprintln!("warning: {}", warning.message);
    }
    // Printed when the options were read.
    Arc::make_mut(&mut report).warnings.extend(told);
    let model = workbench.model();
    if let Some(path) = &args.json {
        write(path, &json::analysis(&model, &report, against.as_deref())?)?;
    }
    if let Some(path) = &args.csv {
        write(path, &csv::layers(&model, &report))?;
    }
    let writes_stdout = [&args.json, &args.csv].into_iter().flatten().any(|p| p.as_os_str() == "-");
    if !writes_stdout {
        if let Some(was) = &against {
            println!("{}", table::report(was));
        }
        print!("{}", table::report(&report));
        if let Some(was) = &against {
            print!("\n{}", against::table(was, &report));
        }
    }
    Ok(limits(args, &report))
}

/// Writes a result to a file, whole or not at all, or to standard output.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    if path.as_os_str() == "-" {
        std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")?;
        return Ok(());
    }
    files::write(path, text.as_bytes()).context("cannot write")
}

/// Says which limit was crossed.
fn limits(args: &AnalyzeArgs, report: &Report) -> ExitCode {
    let mut crossed = false;
    if let (Some(limit), Measure::Value(found)) = (args.fail_below_sqnr, report.score.output_sqnr_db)
        && found < limit
    {
        eprintln!("limit crossed: output SQNR {found:.2} dB is below {limit} dB");
        crossed = true;
    }
    if let Some(limit) = args.fail_below_agreement {
        match report.score.agreement {
            Some(share) if 100.0 * share.fraction() >= limit => {}
            Some(share) => {
                eprintln!("limit crossed: agreement {:.1} % is below {limit} %", 100.0 * share.fraction());
                crossed = true;
            }
            None => {
                eprintln!("limit crossed: no output of this model holds class scores, so there is no agreement");
                crossed = true;
            }
        }
    }
    if crossed { ExitCode::from(LIMIT_CROSSED) } else { ExitCode::SUCCESS }
}
