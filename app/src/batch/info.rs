//! `quantlens info`

use std::process::ExitCode;

use anyhow::Result;
use quantlens_analysis::{
    job::{CancelToken, Job},
    report::ModelInfo,
    tensor::{Dim, ModelInput},
    workbench::{OpenOptions, Workbench},
};

use super::{json, options::InfoArgs, progress::Reporter, workbench::load_runtime};

pub(super) fn run(args: &InfoArgs) -> Result<ExitCode> {
    let runtime = load_runtime(args.onnxruntime.as_deref(), None)?;
    let mut reporter = Reporter::new();
    let mut show = |p| reporter.show(&p);
    let mut job = Job { cancel: CancelToken::new(), progress: &mut show };
    let workbench = Workbench::open(&runtime, &args.model, OpenOptions::default(), &mut job)?;
    drop(reporter);
    let model = workbench.model();
    if args.json {
        print!("{}", json::info(&model)?);
    } else {
        print(&model);
    }
    Ok(ExitCode::SUCCESS)
}

/// A declared shape in words: lengths, names of symbolic ones, `?` for the rest.
pub(super) fn shape(input: &ModelInput) -> Vec<String> {
    let dim = |d: &Dim| match d {
        Dim::Fixed(length) => length.to_string(),
        Dim::Symbolic(name) => name.clone(),
        Dim::Unknown => "?".into(),
    };
    input.dims.as_ref().map(|dims| dims.iter().map(dim).collect()).unwrap_or_default()
}

fn print(model: &ModelInfo) {
    let opsets: Vec<String> = model
        .opsets
        .iter()
        .map(|(domain, version)| format!("{} {version}", if domain.is_empty() { "ai.onnx" } else { domain }))
        .collect();
    println!("{}", model.path.display());
    println!("  {} bytes, sha256 {}", model.file_bytes, model.sha256);
    println!("  opset {}, IR version {}, made by {}", opsets.join(", "), model.ir_version, model.producer);
    println!("  {} parameters, {} nodes, {} layers", model.parameters, model.nodes, model.layers.len());
    for input in &model.inputs {
        println!("  input  {} {} [{}]", input.name, input.element_type.name(), shape(input).join(", "));
    }
    for output in &model.outputs {
        println!("  output {output}");
    }
    let operators: Vec<String> = model.operators.iter().map(|(op, n)| format!("{op} {n}")).collect();
    println!("  operators: {}", operators.join(", "));
    for layer in &model.layers {
        let weight = layer.weight.as_ref().map(|(_, dims)| format!("{dims:?}")).unwrap_or_default();
        println!("  {:>4}  {}  {}  {weight}", layer.index, layer.name, layer.op);
    }
    for warning in &model.warnings {
        eprintln!("warning: {}", warning.message);
    }
}
