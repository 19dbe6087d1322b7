//! Pixels within a drawing: laid over its own pixels, or written into its SVG.

use std::fmt::Write as _;

use super::{
    file::encode_rgba,
    tiles::{Inset, Raster},
};

/// Lays the picture over an image of `width` pixels a row with three bytes each.
pub(super) fn paint(pixels: &mut [u8], width: usize, inset: &Inset<'_>) {
    let [left, top, right, bottom] = inset.at.map(|side| usize::try_from(side).unwrap_or(0));
    let Raster { size: [across, down], pixels: colours, .. } = inset.raster;
    for y in top..bottom {
        for x in left..right.min(width) {
            // The value whose share of the rectangle this pixel lies in.
            let column = (x - left) * across / (right - left).max(1);
            let row = (y - top) * down / (bottom - top).max(1);
            let place = 3 * (y * width + x);
            if let (Some(colour), Some(pixel)) = (colours.get(row * across + column), pixels.get_mut(place..place + 3))
            {
                pixel.copy_from_slice(&[colour.r(), colour.g(), colour.b()]);
            }
        }
    }
}

/// The pictures as elements of an SVG, for before its end.
pub(super) fn elements(insets: &[Inset<'_>]) -> anyhow::Result<String> {
    let mut text = String::new();
    for Inset { at: [left, top, right, bottom], raster } in insets {
        let [width, height] = raster.size.map(|side| u32::try_from(side).unwrap_or(0));
        let rgba: Vec<u8> = raster.pixels.iter().flat_map(|colour| colour.to_array()).collect();
        let data = base64(&encode_rgba(&rgba, (width, height), None)?);
        let (wide, tall) = (right - left, bottom - top);
        writeln!(
            text,
            "<image x=\"{left}\" y=\"{top}\" width=\"{wide}\" height=\"{tall}\" preserveAspectRatio=\"none\" \
             style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{data}\"/>"
        )?;
    }
    Ok(text)
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |place: usize| u32::from(group.get(place).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let sign = SIGNS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= group.len() { char::from(sign) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 4648, section 10.
    #[test]
    fn base64_is_that_of_the_standard() {
        for (plain, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), text);
        }
    }
}
