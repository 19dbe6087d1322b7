//! What a file that is not ONNX looks like, from its first bytes, so that the error can say what to do instead.

use crate::{mark, say, text::Text};

/// Recognises files by how they begin. The advice completes "…: this is not an ONNX model but ".
const STARTS: &[(&[u8], &str)] = &[
    (b"\x89PNG\r\n", mark!("a PNG image; images are given as data, not as the model")),
    (b"\xff\xd8\xff", mark!("a JPEG image; images are given as data, not as the model")),
    (b"GIF8", mark!("a GIF image")),
    (b"\x93NUMPY", mark!("a NumPy array (.npy); arrays are given as data, not as the model")),
    (b"\x89HDF\r\n\x1a\n", mark!("an HDF5 file (Keras .h5); convert it to ONNX with tf2onnx")),
    (b"GGUF", mark!("a GGUF file; Quantlens reads ONNX only")),
    (b"version https://git-lfs", mark!("a Git LFS pointer, not the file itself; run `git lfs pull` in its repository")),
    (b"7767517", mark!("an ncnn parameter file; use the ONNX model it was converted from")),
    (b"\x1f\x8b", mark!("a gzip archive; unpack it first")),
    (b"BZh", mark!("a bzip2 archive; unpack it first")),
    (b"\xfd7zXZ", mark!("an xz archive; unpack it first")),
    (b"\x28\xb5\x2f\xfd", mark!("a zstd archive; unpack it first")),
    (b"7z\xbc\xaf", mark!("a 7z archive; unpack it first")),
    (b"%PDF", mark!("a PDF document")),
    (b"\x7fELF", mark!("a program or library (ELF)")),
    (b"MZ", mark!("a program or library (Windows)")),
    (b"BM", mark!("a BMP image; images are given as data, not as the model")),
];

/// What `bytes` look like if they are a file of another known kind, with advice where there is some.
pub(super) fn looks_like(bytes: &[u8]) -> Option<Text> {
    if let Some((_, what)) = STARTS.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Some(Text::of(what));
    }
    match (bytes.get(..4), bytes.get(4..8), bytes.get(8..12)) {
        (Some(b"PK\x03\x04" | b"PK\x05\x06"), ..) => Some(zip(bytes)),
        (Some(b"RIFF"), _, Some(b"WEBP")) => Some(say!("a WebP image; images are given as data, not as the model")),
        (_, Some(b"TFL3"), _) => Some(say!("a TensorFlow Lite model; use the ONNX or Keras model it was made from")),
        (_, Some(b"ORTM"), _) => Some(say!("an onnxruntime .ort model; use the .onnx file it was made from")),
        _ if is_safetensors(bytes) => {
            Some(say!("a safetensors file, which holds weights without a network; export the network to ONNX"))
        }
        (Some([0x80, 2..=5, ..]), ..) => {
            Some(say!("a Python pickle (an old PyTorch file); load it in PyTorch and use torch.onnx.export"))
        }
        _ => writing(bytes),
    }
}

/// A zip file, by the names of its first members, which stand in clear text near its start.
fn zip(bytes: &[u8]) -> Text {
    let start = bytes.get(..4096).unwrap_or(bytes);
    let has = |name: &[u8]| start.windows(name.len()).any(|window| window == name);
    if has(b"data.pkl") || has(b"archive/") {
        say!("a PyTorch file; load it in PyTorch and use torch.onnx.export")
    } else if has(b"model.weights.h5") || has(b"config.json") {
        say!("a Keras file; convert it to ONNX with tf2onnx")
    } else if has(b".npy") {
        say!("a NumPy archive (.npz); arrays are given as data, not as the model")
    } else if has(b".onnx") {
        say!("a zip archive with an ONNX file in it; unpack it first")
    } else {
        say!("a zip archive; unpack it first")
    }
}

/// safetensors: the length of a JSON header as a little-endian u64, then the header.
fn is_safetensors(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else { return false };
    let length = u64::from_le_bytes(*length);
    rest.starts_with(b"{") && length >= 2 && length <= rest.len() as u64
}

fn writing(bytes: &[u8]) -> Option<Text> {
    let start = bytes.get(..512).unwrap_or(bytes);
    // The 512th byte may cut a character in two, which is no fault of the text.
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&start[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    if text.is_empty() || text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    let head = text.trim_start_matches('\u{feff}').trim_start();
    let lower = head.get(..14).unwrap_or(head).to_ascii_lowercase();
    Some(if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        say!("a web page: the download gave a page in place of the file; download the raw file")
    } else if lower.starts_with("<?xml") || lower.starts_with("<net") {
        say!("an XML file (OpenVINO?); use the ONNX model it was converted from")
    } else if head.starts_with('{') {
        say!("a JSON file")
    } else {
        say!("a text file")
    })
}

#[cfg(test)]
mod tests {
    use super::looks_like;

    #[test]
    fn known_kinds_are_recognised() {
        let cases: &[(&[u8], &str)] = &[
            (b"\x89PNG\r\n\x1a\n\0\0", "PNG"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
            (b"\x89HDF\r\n\x1a\n", "HDF5"),
            (b"\x1c\0\0\0TFL3\x14\0", "TensorFlow Lite"),
            (b"\x18\0\0\0ORTM\0\0", ".ort"),
            (b"PK\x03\x04\x14\0\0\0\0\0\0\0archive/data.pkl", "PyTorch"),
            (b"PK\x03\x04\x14\0\0\0\0\0\0\0arr_0.npy", "npz"),
            (b"PK\x03\x04\x14\0\0\0\0\0\0\0config.json", "Keras"),
            (b"PK\x03\x04\x14\0\0\0\0\0\0\0readme", "zip"),
            (b"\x80\x02\x8a\x0al\xfc", "pickle"),
            (b"\x02\0\0\0\0\0\0\0{}", "safetensors"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "WebP"),
            (b"version https://git-lfs.example/spec/v1\noid", "git lfs pull"),
            (b"\n<!DOCTYPE HTML>\n<html>", "web page"),
            (b"<?xml version=\"1.0\"?>", "XML"),
            (b"{\"a\": 1}", "JSON"),
            ("Grüße, dies ist Text\n".as_bytes(), "text"),
        ];
        for (bytes, word) in cases {
            assert!(looks_like(bytes).is_some_and(|what| what.contains(word)), "{word}: {:?}", looks_like(bytes));
        }
    }

    #[test]
    fn binary_of_no_known_kind_is_nothing() {
        assert_eq!(looks_like(b"\x08\x08\x12\x07pytorch"), None);
        assert_eq!(looks_like(b""), None);
        assert_eq!(looks_like(&[0xff; 600]), None);
        // A character cut at byte 512 is still text.
        let mut cut = vec![b'a'; 511];
        cut.extend_from_slice("ü".as_bytes());
        assert_eq!(looks_like(&cut), Some("a text file".into()));
    }
}
