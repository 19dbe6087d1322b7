//! The five targets that come with the program, as the files a user would write.

use std::sync::{Arc, LazyLock};

use super::{Target, parse};

/// Name and text of each file, the default first.
const FILES: [(&str, &str); 5] = [
    ("onnxruntime", include_str!("../../../assets/targets/onnxruntime.toml")),
    ("tensorrt", include_str!("../../../assets/targets/tensorrt.toml")),
    ("tflite", include_str!("../../../assets/targets/tflite.toml")),
    ("npu-a16", include_str!("../../../assets/targets/npu-a16.toml")),
    ("dsp-pow2", include_str!("../../../assets/targets/dsp-pow2.toml")),
];

static TARGETS: LazyLock<Vec<Arc<Target>>> = LazyLock::new(|| {
    let read = |&(name, text): &(&str, &str)| {
        // The texts are part of the program, and a test reads every one of them.
        Arc::new(parse::target(text, name, &[]).expect("a built-in target is valid"))
    };
    FILES.iter().map(read).collect()
});

pub(super) fn all() -> &'static [Arc<Target>] {
    &TARGETS
}

pub(super) fn names() -> [&'static str; 5] {
    FILES.map(|(name, _)| name)
}

pub(super) fn text(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
