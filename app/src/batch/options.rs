//! The options of the subcommands, and the configuration they add up to.

mod setting;
mod size;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use quantlens_analysis::{
    calibrate::{Flavour, Method},
    config::{Granularity, QuantConfig},
    data::Recipe,
    job::Warning,
    quant::Bits,
    sensitivity::SweepKind,
};
use setting::{method_of, parse_setting};
pub(crate) use size::parse_size;

/// `quantlens info`
#[derive(Args, Clone, Debug)]
pub struct InfoArgs {
    /// A float ONNX model
    pub model: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// The onnxruntime library to use
    #[arg(long, value_name = "PATH")]
    pub onnxruntime: Option<PathBuf>,
}

/// What every evaluation needs.
#[derive(Args, Clone, Debug)]
pub struct EvaluationArgs {
    /// A float ONNX model
    pub model: PathBuf,
    /// Samples: a folder of images or arrays, an .npz or .npy, ONNX test-data folders, or `synthetic`
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// Samples for the ranges (default: those of --data)
    #[arg(long, value_name = "PATH")]
    pub calibration: Option<PathBuf>,
    /// A configuration saved by the window (*.quantlens.json)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The hardware to quantize for: the name of a built-in target, or the path of a target file (*.toml)
    #[arg(long, value_name = "NAME|FILE")]
    pub target: Option<String>,
    /// Default format of weights: 2 to 8, 16, float16, bfloat16, float8e4m3, float8e5m2 or float
    #[arg(long, value_name = "B")]
    pub weight_bits: Option<Bits>,
    /// Default format of activations, as for weights
    #[arg(long, value_name = "B")]
    pub act_bits: Option<Bits>,
    /// How ranges are chosen
    #[arg(long)]
    pub method: Option<MethodArg>,
    /// Choose ranges as another tool does: ort-minmax, ort-entropy, ort-entropy-2048, ort-percentile, ppq-kl, ppq-mse,
    /// ppq-percentile or tensorrt
    #[arg(long, value_name = "NAME", conflicts_with = "method")]
    pub flavour: Option<Flavour>,
    /// Ranges by percentile, of which this per cent of the values stays inside
    #[arg(long, value_name = "PCT", conflicts_with = "flavour")]
    pub percentile: Option<f64>,
    /// One weight scale for so many weights along the input axis
    #[arg(long, value_name = "G", conflicts_with_all = ["per_tensor", "per_channel"])]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub per_group: Option<u32>,
    /// One weight scale for each output channel
    #[arg(long, conflicts_with = "per_tensor")]
    pub per_channel: bool,
    /// One weight scale for each tensor
    #[arg(long)]
    pub per_tensor: bool,
    /// Settings of some layers: 'LAYER:weights=4,activations=8' (LAYER is a name glob or op:TYPE; repeatable)
    ///
    /// Keys: weights, activations, granularity, method, percentile, low, high, scheme, sign, codes, weight-scheme,
    /// weight-sign, weight-codes, fold. Of these scheme, sign and codes are the output's, as are method, percentile and
    /// the range from low to high.
    #[arg(long = "set", value_name = "SETTING")]
    pub settings: Vec<String>,
    /// Use at most so many samples
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub samples: Option<u32>,
    /// Preprocessing of images: a preset (imagenet, imagenet-caffe, 0-1, -1-1, raw) or a TOML file
    #[arg(long, value_name = "PRESET|FILE")]
    pub preprocess: Option<String>,
    /// Column of labels.csv that holds the labels
    #[arg(long, value_name = "NAME")]
    pub label_column: Option<String>,
    /// Class names in the order of the model's outputs, separated by commas
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    pub classes: Vec<String>,
    /// Most memory for cached tensors, e.g. 2G
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memory: Option<u64>,
    /// Threads (default: all cores)
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// The onnxruntime library to use
    #[arg(long, value_name = "PATH")]
    pub onnxruntime: Option<PathBuf>,
}

/// `quantlens analyze`
#[derive(Args, Clone, Debug)]
pub struct AnalyzeArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "documented on the type")]
    pub evaluation: EvaluationArgs,
    /// Evaluate this configuration too and show what the one asked for has more or less
    #[arg(long, value_name = "CONFIG")]
    pub against: Option<PathBuf>,
    /// Write the result as JSON (`-`: standard output)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the layers as CSV (`-`: standard output)
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Exit with 3 when the output's SQNR is below this
    #[arg(long, value_name = "DB")]
    pub fail_below_sqnr: Option<f64>,
    /// Exit with 3 when the agreement with the float model is below this
    #[arg(long, value_name = "PCT")]
    pub fail_below_agreement: Option<f64>,
}

/// `quantlens sweep`
#[derive(Args, Clone, Debug)]
pub struct SweepArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "documented on the type")]
    pub evaluation: EvaluationArgs,
    /// The widths at which each layer is asked (without --samples over the first 8)
    #[arg(long, value_name = "B,B,…", value_delimiter = ',', required = true)]
    pub bits: Vec<Bits>,
    /// Which quantizers of a layer: weights, activations or both
    #[arg(long, default_value = "both")]
    pub kind: SweepKind,
    /// Also what each layer costs the configuration: all quantized but this layer
    #[arg(long)]
    pub relief: bool,
    /// Run everything without graph optimization: no estimates, slower
    #[arg(long)]
    pub exact: bool,
    /// Write the result as JSON (`-`: standard output)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the layers as CSV (`-`: standard output)
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
}

/// `quantlens export`
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "documented on the type")]
    pub evaluation: EvaluationArgs,
    /// The file to write
    #[arg(short, long, value_name = "OUT.onnx")]
    pub output: PathBuf,
    /// How quantization is written
    #[arg(long, default_value = "qdq")]
    pub format: FormatArg,
    /// Write what was done and verified as JSON (`-`: standard output)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// `quantlens bench`
#[derive(Args, Clone, Debug)]
pub struct BenchArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "documented on the type")]
    pub evaluation: EvaluationArgs,
    /// Measure from a changed layer to the new curve too, for the first, the middle and the last layer
    #[arg(long)]
    pub toggle: bool,
    /// Take the median of so many runs
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub runs: u32,
    /// Write the times as JSON (`-`: standard output)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// How quantization is written into a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// QuantizeLinear and DequantizeLinear around float operators
    Qdq,
}

/// A range method, as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MethodArg {
    /// The observed minimum and maximum
    Minmax,
    /// The values between which 99.99 % of the mass lies (or --percentile)
    Percentile,
    /// The threshold with the smallest Kullback–Leibler divergence
    Kl,
    /// The threshold at which the error has the least entropy
    Entropy,
    /// The range with the least mean squared error
    Mse,
}

impl From<MethodArg> for Method {
    fn from(method: MethodArg) -> Self {
        match method {
            MethodArg::Minmax => Self::MinMax,
            MethodArg::Percentile => Self::Percentile,
            MethodArg::Kl => Self::Kl,
            MethodArg::Entropy => Self::Entropy,
            MethodArg::Mse => Self::Mse,
        }
    }
}

impl EvaluationArgs {
    /// The configuration: the file's, then the options' defaults, then each `--set` as one more rule.
    ///
    /// # Errors
    /// Names the file or the setting that cannot be read.
    pub fn quant_config(&self) -> Result<QuantConfig> {
        Ok(self.quant_config_told()?.0)
    }

    /// [`Self::quant_config`], with what the user should know of its file.
    ///
    /// # Errors
    /// As that.
    pub fn quant_config_told(&self) -> Result<(QuantConfig, Option<Warning>)> {
        let (mut config, mut warning) = match &self.config {
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
                QuantConfig::from_file(&text, &path.display().to_string())?
            }
            None => (QuantConfig::default(), None),
        };
        if let Some(target) = &self.target {
            config.target.clone_from(target);
            // The file's own does not matter then.
            warning = None;
        }
        let defaults = &mut config.defaults;
        defaults.weight_bits = self.weight_bits.or(defaults.weight_bits);
        defaults.activation_bits = self.act_bits.or(defaults.activation_bits);
        let method = self.method.map(Method::from).or(self.flavour.map(Method::Flavour));
        let method = method_of(method, self.percentile, None).context("--percentile")?;
        defaults.method = method.or(defaults.method);
        defaults.percentile = self.percentile.or(defaults.percentile);
        if self.per_channel {
            defaults.granularity = Some(Granularity::PerChannel);
        } else if let Some(group) = self.per_group {
            defaults.granularity = Some(Granularity::PerGroup(group));
        } else if self.per_tensor {
            defaults.granularity = Some(Granularity::PerTensor);
        }
        for setting in &self.settings {
            let rule = parse_setting(setting).with_context(|| format!("--set '{setting}'"))?;
            // A saved file's own layer entries win over its rules; what is typed now wins over both.
            for (name, entry) in &mut config.layers {
                if rule.op.is_none() && rule.applies(name, "") {
                    entry.overlay(&rule.settings);
                }
            }
            config.rules.push(rule);
        }
        Ok((config, warning))
    }

    /// The preprocessing asked for.
    ///
    /// # Errors
    /// Names the preset or file that cannot be used.
    pub fn recipe(&self) -> Result<Option<Recipe>> {
        let Some(wanted) = &self.preprocess else { return Ok(None) };
        if let Some(recipe) = Recipe::preset(wanted) {
            return Ok(Some(recipe));
        }
        let text = std::fs::read_to_string(wanted)
            .with_context(|| format!("--preprocess {wanted}: neither a preset nor a file that can be read"))?;
        Ok(Some(Recipe::from_toml(&text, wanted)?))
    }
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

    use super::{setting::KEYS, *};

    /// What `quantlens analyze` makes of these options.
    fn config(options: &[&str]) -> Result<QuantConfig> {
        let command = AnalyzeArgs::augment_args(clap::Command::new("analyze"));
        let given = ["analyze", "a.onnx", "--data", "synthetic"].iter().chain(options);
        let found = command.try_get_matches_from(given)?;
        AnalyzeArgs::from_arg_matches(&found)?.evaluation.quant_config()
    }

    #[test]
    fn a_percentile_is_given_to_be_used() {
        for options in [&["--percentile", "50"][..], &["--percentile", "50", "--method", "percentile"]] {
            let defaults = config(options).unwrap().defaults;
            assert_eq!((defaults.method, defaults.percentile), (Some(Method::Percentile), Some(50.0)));
        }
        let error = |options: &[&str]| format!("{:#}", config(options).unwrap_err());
        let other = error(&["--percentile", "50", "--method", "kl"]);
        assert_eq!(other, "--percentile: it belongs to the method percentile, and the method is KL");
        assert!(error(&["--percentile", "50", "--flavour", "tensorrt"]).contains("cannot be used with"));
        assert_eq!(parse_setting("a:percentile=50").unwrap().settings.method, Some(Method::Percentile));
        assert_eq!(parse_setting("a:low=-1,high=1").unwrap().settings.method, Some(Method::Manual));
        for text in ["a:percentile=50,method=mse", "a:low=-1,high=1,method=mse", "a:percentile=50,low=-1,high=1"] {
            assert!(parse_setting(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_without_a_target_is_warned_about_unless_one_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.quantlens.json");
        std::fs::write(&path, r#"{"schema":"quantlens-config/1","defaults":{"weight_bits":4}}"#).unwrap();
        let told = |options: &[&str]| {
            let command = AnalyzeArgs::augment_args(clap::Command::new("analyze"));
            let file = path.display().to_string();
            let given = ["analyze", "a.onnx", "--data", "synthetic", "--config", &file];
            let found = command.try_get_matches_from(given.iter().chain(options)).unwrap();
            AnalyzeArgs::from_arg_matches(&found).unwrap().evaluation.quant_config_told().unwrap()
        };
        let (config, warning) = told(&[]);
        assert_eq!(config.target, "onnxruntime");
        assert!(warning.unwrap().message.contains("names no target; onnxruntime is used"));
        let (config, warning) = told(&["--target", "tflite"]);
        assert_eq!((config.target.as_str(), warning), ("tflite", None));
    }

    #[test]
    fn help_names_every_key_and_says_that_a_target_may_be_a_file() {
        let mut command = AnalyzeArgs::augment_args(clap::Command::new("analyze"));
        let help = command.render_long_help().to_string();
        let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let keys = KEYS.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&format!("Keys: {keys}.")), "{words}");
        assert!(words.contains("the path of a target file"), "{words}");
    }
}
