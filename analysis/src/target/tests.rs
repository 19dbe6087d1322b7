use super::*;
use crate::quant::{Codes, Scheme, Sign, SymmetricRule};

/// A file in which everything optional is there, so that each line can be spoilt.
pub(super) const WHOLE: &str = r#"schema = "quantlens-target/1"
name = "mine"
title = "My board"
description = "What I know of it"
combinations = ["A8W8", "A16W8"]

[operators]
linear = ["Conv", "Gemm"]
normalizations = ["LayerNormalization"]
all_tensors = ["Add", "Concat", "Softmax"]
follows_input = ["Relu"]
pass_through = ["MaxPool"]
pass_through_always = ["Pad"]
float = ["Div"]
quantize_outputs = true
join = ["Concat"]
since_opset = { MaxPool = 12 }
fixed.Softmax = { range = [0.0, 1.0] }

[activations]
bits = [8, 16, "float"]
scheme = ["affine", "symmetric"]
sign = "signed"
codes = "full"
granularity = "per-tensor"

[weights]
bits = [8, 4]
scheme = "symmetric"
sign = ["signed", "unsigned"]
codes = ["narrow", "full"]
granularity = ["per-channel", "per-group"]
group_sizes = [32, 64]
power_of_two = false
scale_rule = { signed = "max-code", unsigned = "positive", 4 = "span" }

[bias]
format = "int32"
overflow = "float"

[ranges]
method = "minmax"
minimum_real_range = 1e-4

[arithmetic]
requantize = "single"
rounding = "half-even"
"#;

#[test]
fn a_whole_file_is_read_to_the_last_key() {
    let target = Target::from_toml(WHOLE, "my.toml").unwrap();
    assert_eq!((target.name.as_str(), target.title.as_str()), ("mine", "My board"));
    assert_eq!(target.description, "What I know of it");
    assert_eq!(target.combinations.iter().map(ToString::to_string).collect::<Vec<_>>(), ["A8W8", "A16W8"]);
    assert!(target.allows(Bits::Int(16), Bits::Int(8)) && !target.allows(Bits::Int(16), Bits::Int(4)));
    assert!(target.allows(Bits::Float, Bits::Int(4)), "an integer beside a float is only stored");
    let operators = &target.operators;
    assert_eq!(operators.class("Add", 1), Some(OperatorClass::AllTensors));
    assert_eq!(
        (operators.class("MaxPool", 11), operators.class("MaxPool", 12)),
        (None, Some(OperatorClass::PassThrough))
    );
    assert_eq!((operators.class("Div", 17), operators.class("Mul", 17)), (Some(OperatorClass::Float), None));
    assert_eq!(operators.of(OperatorClass::Linear).collect::<Vec<_>>(), ["Conv", "Gemm"]);
    assert!(operators.quantize_outputs && operators.join.contains("Concat"));
    assert_eq!(operators.fixed["Softmax"], FixedOutput::Range { low: 0.0, high: 1.0 });
    let activations = &target.activations;
    assert_eq!(activations.bits.default, Bits::Int(8));
    assert_eq!(activations.bits.others, [Bits::Int(16), Bits::Float]);
    assert_eq!(activations.integer_bits().collect::<Vec<_>>(), [8, 16]);
    assert_eq!(activations.scheme.default, Scheme::Affine);
    assert_eq!((activations.group_sizes.clone(), activations.power_of_two), (None, false));
    let weights = &target.weights;
    assert_eq!(weights.codes, Choice { default: Codes::Narrow, others: vec![Codes::Full] });
    assert_eq!(weights.granularity.others, [Granularity::PerGroup]);
    assert_eq!(weights.group_sizes, Some(Choice { default: 32, others: vec![64] }));
    assert_eq!(weights.scale_rule.of(Sign::Signed, 8), SymmetricRule::MaxCode);
    assert_eq!(weights.scale_rule.of(Sign::Signed, 4), SymmetricRule::Span);
    assert_eq!(weights.scale_rule.of(Sign::Unsigned, 4), SymmetricRule::Positive);
    assert_eq!(target.bias, Bias::Int32 { overflow: BiasOverflow::Float });
    assert_eq!((target.requantize, target.method), (Requantize::Single, Method::MinMax));
    assert_eq!(target.minimum_real_range, Some(1e-4));
}

#[test]
fn what_is_left_out_has_the_documented_default() {
    let least = "schema = \"quantlens-target/1\"\nname = \"least\"\ntitle = \"Least\"\noperators = {}\n\
        activations = { bits = 8, scheme = \"affine\" }\nweights = { bits = 8, scheme = \"symmetric\" }\n\
        bias = { format = \"float\" }\nranges = { method = \"kl\" }\narithmetic = { requantize = \"gemmlowp\" }\n";
    let target = Target::from_toml(least, "least.toml").unwrap();
    assert_eq!((target.description.as_str(), target.combinations.len()), ("", 0));
    assert!(target.operators.quantize_outputs && target.operators.classes.is_empty());
    for format in [&target.activations, &target.weights] {
        assert_eq!(format.sign, Choice::only(Sign::Signed));
        assert_eq!(format.codes, Choice::only(Codes::Full));
        assert_eq!(format.granularity, Choice::only(Granularity::PerTensor));
        assert_eq!((format.power_of_two, &format.scale_rule), (false, &ScaleRules::default()));
    }
    assert_eq!((target.bias, target.minimum_real_range), (Bias::Float, None));
    assert!(target.allows(Bits::Int(8), Bits::Int(8)));
}

/// Starts of lines of [`WHOLE`], what they are replaced by, the line that is refused (0: that one), and words of the refusal.
#[rustfmt::skip]
const SPOILT: &[(&str, &str, usize, &[&str])] = &[
    ("schema = \"quantlens-target/1\"", "schema = \"quantlens-target/2\"", 0, &["`schema`", "quantlens-target/2", "quantlens-target/1"]),
    ("name = \"mine\"", "name = \"My board\"", 0, &["`name`", "dashes"]),
    ("name = \"mine\"", "name = \"onnxruntime\"", 0, &["`name`", "built in"]),
    ("name = \"mine\"", "name = 7", 0, &["`name`", "7 is not a text"]),
    ("title = \"My board\"", "titel = \"My board\"", 0, &["`titel`", "unknown key", "did you mean `title`?", "description"]),
    ("title = \"My board\"", "title = [\"My board\"]", 0, &["`title`", "a list is not a text"]),
    ("title = \"My board\"", "title = My board", 0, &["title = My board"]),
    ("combinations = [\"A8W8\", \"A16W8\"]", "combinations = [\"W8A8\"]", 0, &["`combinations`", "`W8A8`", "A16W8"]),
    ("combinations = [\"A8W8\", \"A16W8\"]", "combinations = [\"A8W8\", \"A8W2\"]", 0, &["`combinations`", "weights.bits does not allow 2"]),
    ("combinations = [\"A8W8\", \"A16W8\"]", "combinations = [\"A16W8\"]", 0, &["`combinations`", "`A8W8`", "is missing"]),
    ("combinations = [\"A8W8\", \"A16W8\"]", "combinations = [\"A8W8\", \"A8W8\"]", 0, &["`combinations`", "twice"]),
    ("combinations = [\"A8W8\", \"A16W8\"]", "combinations = []", 0, &["`combinations`", "empty"]),
    ("linear = [\"Conv\", \"Gemm\"]", "linear = [\"Conv\", \"Gem\"]", 0, &["`operators.linear`", "`Gem`", "did you mean `Gemm`?"]),
    ("linear = [\"Conv\", \"Gemm\"]", "linear = [\"Conv\", \"Mul\"]", 0, &["`operators.linear`", "`Mul` cannot", "MatMul"]),
    ("linear = [\"Conv\", \"Gemm\"]", "linear = \"Conv\"", 0, &["`operators.linear`", "a list in brackets"]),
    ("linear = [\"Conv\", \"Gemm\"]", "lineal = [\"Conv\"]", 0, &["`operators.lineal`", "did you mean `linear`?"]),
    ("normalizations = [\"LayerNormalization\"]", "normalizations = [\"GroupNormalization\"]", 0, &["`operators.normalizations`", "LayerNormalization"]),
    ("all_tensors = [\"Add\", \"Concat\", \"Softmax\"]", "all_tensors = [\"Add\", \"Concat\", \"Conv\"]", 0, &["`operators.all_tensors`", "`Conv` is in `linear` already"]),
    ("follows_input = [\"Relu\"]", "follows_input = [\"relu\"]", 0, &["`operators.follows_input`", "did you mean `Relu`?"]),
    ("pass_through = [\"MaxPool\"]", "pass_through = [3]", 0, &["`operators.pass_through`", "3 is not a text"]),
    ("pass_through_always = [\"Pad\"]", "pass_through_always = [\"Padd\"]", 0, &["`operators.pass_through_always`", "did you mean `Pad`?"]),
    ("float = [\"Div\"]", "float = [\"Div\", \"Pad\"]", 0, &["`operators.float`", "`Pad` is in `pass_through_always` already"]),
    ("quantize_outputs = true", "quantize_outputs = \"yes\"", 0, &["`operators.quantize_outputs`", "\"yes\" is not true or false"]),
    ("join = [\"Concat\"]", "join = [\"MaxPool\"]", 0, &["`operators.join`", "`MaxPool` must be in `all_tensors`"]),
    ("join = [\"Concat\"]", "join = [\"Concat\", \"Concat\"]", 0, &["`operators.join`", "twice"]),
    ("join = [\"Concat\"]", "join = [\"Softmax\"]", 18, &["`operators.fixed.Softmax`", "scale of its input"]),
    ("since_opset = { MaxPool = 12 }", "since_opset = { Maxpool = 12 }", 0, &["`operators.since_opset.Maxpool`", "did you mean `MaxPool`?"]),
    ("since_opset = { MaxPool = 12 }", "since_opset = { MaxPool = 0 }", 0, &["`operators.since_opset.MaxPool`", "0 is no opset"]),
    ("since_opset = { MaxPool = 12 }", "since_opset = { Div = 7 }", 0, &["`operators.since_opset.Div`", "no effect"]),
    ("fixed.Softmax = { range = [0.0, 1.0] }", "fixed.MaxPool = { range = [0, 1] }", 0, &["`operators.fixed.MaxPool`", "scale of its input"]),
    ("fixed.Softmax = { range = [0.0, 1.0] }", "fixed.Softmx = { range = [0, 1] }", 0, &["`operators.fixed.Softmx`", "did you mean `Softmax`?"]),
    ("fixed.Softmax = { range = [0.0, 1.0] }", "fixed.Softmax = { range = [1, 0] }", 0, &["`operators.fixed.Softmax.range`", "1 is not below 0"]),
    ("fixed.Softmax = { range = [0.0, 1.0] }", "fixed.Softmax = { range = [1] }", 0, &["`operators.fixed.Softmax.range`", "two ends"]),
    ("fixed.Softmax = { range = [0.0, 1.0] }", "fixed.Softmax = { range = [0, 1e40] }", 0, &["`operators.fixed.Softmax.range`", "beyond float32"]),
    ("fixed.Softmax = { range = [0.0, 1.0] }", "fixed.Softmax = { range = [0, nan] }", 0, &["`operators.fixed.Softmax.range`", "finite"]),
    ("fixed.Softmax = { range = [0.0, 1.0] }", "fixed.Softmax = { range = [0, 1], scale = 1 }", 0, &["`operators.fixed.Softmax`", "either"]),
    ("fixed.Softmax = { range = [0.0, 1.0] }", "fixed.Softmax = { scale = 1, zero_point = 0 }", 0, &["`operators.fixed.Softmax.scale`", "one integer width"]),
    ("fixed.Softmax = { range = [0.0, 1.0] }", "fixed.Softmax = { rang = [0, 1] }", 0, &["`operators.fixed.Softmax.rang`", "did you mean `range`?"]),
    ("bits = [8, 16, \"float\"]", "bits = [8, 9]", 0, &["`activations.bits`", "9 is not a width; use 2 to 8 or 16"]),
    ("bits = [8, 16, \"float\"]", "bits = [8, 300]", 0, &["`activations.bits`", "300 is not a width"]),
    ("bits = [8, 16, \"float\"]", "bits = [8, \"float32\"]", 0, &["`activations.bits`", "`float32`", "`float16`"]),
    ("bits = [8, 16, \"float\"]", "bits = [8, 16, 8]", 0, &["`activations.bits`", "8 stands there twice"]),
    ("bits = [8, 16, \"float\"]", "bits = []", 0, &["`activations.bits`", "empty"]),
    ("bits = [8, 16, \"float\"]", "bit = [8, 16]", 0, &["`activations.bit`", "did you mean `bits`?"]),
    ("bits = [8, 16, \"float\"]", "bits = 8.0", 0, &["`activations.bits`", "8.0 is not a whole number"]),
    ("scheme = [\"affine\", \"symmetric\"]", "scheme = \"asymmetric\"", 0, &["`activations.scheme`", "did you mean `symmetric`?", "`symmetric` or `affine`"]),
    ("sign = \"signed\"", "sign = \"int\"", 0, &["`activations.sign`", "`signed` or `unsigned`"]),
    ("codes = \"full\"", "codes = \"wide\"", 0, &["`activations.codes`", "`full` or `narrow`"]),
    ("granularity = \"per-tensor\"", "granularity = \"per-channel\"", 0, &["`activations.granularity`", "for weights"]),
    ("granularity = \"per-tensor\"", "granularity = \"channel\"", 0, &["`activations.granularity`", "`per-channel`"]),
    ("granularity = \"per-tensor\"", "scale_rule = \"positive\"", 0, &["`activations.scale_rule`", "no effect"]),
    ("scheme = \"symmetric\"", "scheme = \"affine\"", 35, &["`weights.scale_rule`", "never symmetric"]),
    ("sign = [\"signed\", \"unsigned\"]", "sign = \"unsigned\"", 31, &["`weights.codes`", "never narrow"]),
    ("group_sizes = [32, 64]", "", 27, &["`weights.group_sizes`", "is missing", "per-group"]),
    ("group_sizes = [32, 64]", "group_sizes = [1]", 0, &["`weights.group_sizes`", "at least 2"]),
    ("granularity = [\"per-channel\", \"per-group\"]", "granularity = [\"per-channel\"]", 33, &["`weights.group_sizes`", "no effect"]),
    ("power_of_two = false", "power_of_two = 0", 0, &["`weights.power_of_two`", "0 is not true or false"]),
    ("scale_rule = {", "scale_rule = { signed = \"positive\" } #", 0, &["`weights.scale_rule.signed`", "unsigned codes"]),
    ("scale_rule = {", "scale_rule = { unsigned = \"max-code\" } #", 0, &["`weights.scale_rule.unsigned`", "signed codes"]),
    ("scale_rule = {", "scale_rule = { 5 = \"span\" } #", 0, &["`weights.scale_rule.5`", "`5`", "bits allows"]),
    ("scale_rule = {", "scale_rule = \"max_code\" #", 0, &["`weights.scale_rule`", "did you mean `max-code`?"]),
    ("format = \"int32\"", "format = \"int16\"", 0, &["`bias.format`", "`int32` or `float`"]),
    ("format = \"int32\"", "format = \"float\"", 39, &["`bias.overflow`", "does not overflow"]),
    ("overflow = \"float\"", "", 37, &["`bias.overflow`", "is missing"]),
    ("overflow = \"float\"", "overflow = \"raise\"", 0, &["`bias.overflow`", "`raise-weight-scale`"]),
    ("method = \"minmax\"", "method = \"magic\"", 0, &["`ranges.method`", "`magic`", "kl"]),
    ("method = \"minmax\"", "method = \"manual\"", 0, &["`ranges.method`", "by itself"]),
    ("minimum_real_range = 1e-4", "minimum_real_range = 0", 0, &["`ranges.minimum_real_range`", "above 0"]),
    ("requantize = \"single\"", "requantize = \"double\"", 0, &["`arithmetic.requantize`", "`gemmlowp`"]),
    ("requantize = \"single\"", "requantize = \"shift\"", 0, &["`arithmetic.requantize`", "power_of_two"]),
    ("rounding = \"half-even\"", "rounding = \"half-away\"", 0, &["`arithmetic.rounding`", "cannot be computed"]),
    ("rounding = \"half-even\"", "rounding = \"up\"", 0, &["`arithmetic.rounding`", "`half-even`"]),
];

/// The line (from 1) of the first line of `text` that starts with `start`.
fn line_starting(text: &str, start: &str) -> usize {
    1 + text.lines().position(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no line starts with {start}"))
}

#[test]
fn every_refusal_names_file_line_and_key() {
    for (line, replacement, at, words) in SPOILT {
        assert!(WHOLE.contains(&format!("\n{line}")) || WHOLE.starts_with(line), "{line}");
        let text = WHOLE.replacen(line, replacement, 1);
        let error = Target::from_toml(&text, "my.toml").expect_err(replacement);
        assert!(matches!(error, Error::Config { .. }), "{error:?}");
        let error = error.to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{replacement}: {error}");
        let number = if *at == 0 { line_starting(&text, replacement) } else { *at };
        assert!(error.starts_with(&format!("my.toml, line {number}: ")), "{replacement}: line {number}, not {error}");
    }
}

#[test]
fn a_damaged_file_is_refused_at_a_line_of_it() {
    let lines: Vec<&str> = WHOLE.lines().collect();
    let cut = (0..WHOLE.len()).filter_map(|end| WHOLE.get(..end).map(str::to_owned));
    let doubled = (0..lines.len()).map(|i| [&lines[..=i], &lines[i..]].concat().join("\n"));
    let holed = (0..WHOLE.len()).filter_map(|i| Some(format!("{}{}", WHOLE.get(..i)?, WHOLE.get(i + 1..)?)));
    let mut refused = 0;
    for text in cut.chain(doubled).chain(holed) {
        let Err(error) = Target::from_toml(&text, "my.toml") else { continue };
        let error = error.to_string();
        let number = error.strip_prefix("my.toml, line ").and_then(|rest| rest.split(':').next());
        let number: usize = number.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{error}"));
        assert!((1..=text.lines().count() + 1).contains(&number), "{error}");
        refused += 1;
    }
    assert!(refused > WHOLE.len(), "only {refused} were refused");
}

#[test]
fn the_promised_wording() {
    let text = WHOLE.replace("bits = [8, 16, \"float\"]", "bits = [8,\n    9]");
    let error = Target::from_toml(&text, "my.toml").unwrap_err().to_string();
    assert_eq!(error, "my.toml, line 22: `activations.bits`: 9 is not a width; use 2 to 8 or 16");
}

#[test]
fn every_required_key_is_missed_by_name() {
    for (section, key) in [
        ("", "schema"),
        ("", "name"),
        ("", "title"),
        ("operators", ""),
        ("activations", "bits"),
        ("activations", "scheme"),
        ("weights", "bits"),
        ("weights", "scheme"),
        ("bias", "format"),
        ("ranges", "method"),
        ("arithmetic", "requantize"),
    ] {
        let mut current = "";
        let kept = WHOLE.lines().filter(|line| {
            if let Some(name) = line.strip_prefix('[') {
                current = name.trim_end_matches(']');
            }
            let gone = if key.is_empty() {
                current == section
            } else {
                line.starts_with(&format!("{key} =")) && current == section
            };
            !gone
        });
        let text: Vec<&str> = kept.collect();
        let error = Target::from_toml(&text.join("\n"), "my.toml").unwrap_err().to_string();
        let path = [section, key].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(".");
        assert!(error.contains(&format!("`{path}`: is missing")), "{path}: {error}");
    }
}

#[test]
fn fixed_parameters_must_fit_the_activations() {
    let only8 = WHOLE.replace("combinations = [\"A8W8\", \"A16W8\"]\n", "");
    let with = |scheme: &str, fixed: &str| {
        let text = only8.replace("bits = [8, 16, \"float\"]", "bits = [8, \"float\"]");
        let text = text.replace("scheme = [\"affine\", \"symmetric\"]", scheme);
        let codes = if scheme.contains("narrow") { "codes = [\"full\", \"narrow\"]" } else { "codes = \"full\"" };
        let text = text.replace("codes = \"full\"", codes);
        Target::from_toml(&text.replace("fixed.Softmax = { range = [0.0, 1.0] }", fixed), "my.toml")
    };
    let target = with("scheme = \"affine\"", "fixed.Softmax = { scale = 0.00390625, zero_point = -128 }").unwrap();
    assert_eq!(target.operators.fixed["Softmax"], FixedOutput::Params { scale: 1.0 / 256.0, zero_point: -128 });
    for (scheme, fixed, words) in [
        (
            "scheme = \"affine\"",
            "fixed.Softmax = { scale = 1, zero_point = 128 }",
            "128 is outside the 8-bit codes -128 to 127",
        ),
        (
            "scheme = \"affine\"\n# narrow may be chosen",
            "fixed.Softmax = { scale = 1, zero_point = -128 }",
            "-128 is outside the 8-bit codes -127 to 127",
        ),
        ("scheme = \"affine\"", "fixed.Softmax = { scale = 0, zero_point = 0 }", "above 0"),
        ("scheme = \"affine\"", "fixed.Softmax = { scale = 1e-40, zero_point = 0 }", "above 0"),
        ("scheme = \"symmetric\"", "fixed.Softmax = { scale = 1, zero_point = 3 }", "zero-point 0"),
        (
            "scheme = \"affine\"\npower_of_two = true",
            "fixed.Softmax = { scale = 0.3, zero_point = 0 }",
            "no power of two",
        ),
    ] {
        let error = with(scheme, fixed).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("operators.fixed.Softmax."), "{error}");
    }
    assert!(
        with("scheme = \"affine\"\npower_of_two = true", "fixed.Softmax = { scale = 0.25, zero_point = 0 }").is_ok()
    );
}

#[test]
fn the_reference_documents_every_key_and_every_word() {
    let reference = include_str!("../../../assets/targets/README.md");
    for line in WHOLE.lines().filter(|line| line.contains(" = ")) {
        let key = line.split(" = ").next().unwrap().trim_end_matches(".Softmax");
        assert!(reference.contains(&format!("`{key}`")), "{key}");
    }
    for word in [
        "float16",
        "bfloat16",
        "float8e4m3",
        "float8e5m2",
        "symmetric",
        "affine",
        "signed",
        "unsigned",
        "full",
        "narrow",
        "per-tensor",
        "per-channel",
        "per-group",
        "max-code",
        "span",
        "positive",
        "int32",
        "raise-weight-scale",
        "gemmlowp",
        "single",
        "shift",
        "half-even",
        "range",
        "scale",
        "zero_point",
    ] {
        assert!(reference.contains(&format!("`{word}`")), "{word}");
    }
}
