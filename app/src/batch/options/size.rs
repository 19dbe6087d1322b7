//! Sizes of memory as people write them.

/// A number of bytes with an optional K, M or G (powers of 1024).
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_uppercase().trim_end_matches('B').trim_end_matches('I') {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        unit => return Err(format!("unknown unit `{unit}`; use K, M or G")),
    };
    let number: f64 = digits.parse().map_err(|_error| format!("`{text}` is no size; write e.g. 512M or 2G"))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a sensible size")]
    if number > 0.0 && number * f64::from(factor) < 1e18 {
        Ok((number * f64::from(factor)) as u64)
    } else {
        Err(format!("`{text}` is no size; write e.g. 512M or 2G"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(parse_size("512M"), Ok(512 << 20));
        assert_eq!(parse_size("1.5GiB"), Ok(3 << 29));
        assert!(parse_size("lots").is_err() && parse_size("5T").is_err() && parse_size("-1G").is_err());
    }
}
