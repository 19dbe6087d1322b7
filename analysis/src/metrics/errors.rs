//! The errors of one tensor as they appear in a report.

use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::{ErrorSums, Measure, cosine, gain, max_abs, mse, nmse, sqnr};

/// The headline errors of a tensor pair.
///
/// Serialized as an object of numbers; what is no number is `null`, and then `"why"` is there: `"exact"`, or the
/// reason of the first key without one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Errors {
    /// `10·log10(Σf²/Σe²)`, dB.
    pub sqnr_db: Measure,
    /// `Σfq/√(Σf²·Σq²)`.
    pub cosine: Measure,
    /// `Σe²/Σf²`.
    pub nmse: Measure,
    /// `Σe²/n`.
    pub mse: Measure,
    /// `max|e|`.
    pub max_abs: Measure,
    /// `‖q‖/‖f‖`.
    pub gain: Measure,
}

impl Errors {
    /// Keys and values in the order of the file format.
    pub fn entries(&self) -> [(&'static str, Measure); 6] {
        [
            ("sqnr_db", self.sqnr_db),
            ("cosine", self.cosine),
            ("nmse", self.nmse),
            ("mse", self.mse),
            ("max_abs", self.max_abs),
            ("gain", self.gain),
        ]
    }

    /// Whether the direction is right and the length is not: cosine above 0.99 and gain off by more than 5 %.
    pub fn hides_a_gain_error(&self) -> bool {
        matches!((self.cosine, self.gain), (Measure::Value(cosine), Measure::Value(gain))
            if cosine > 0.99 && (gain - 1.0).abs() > 0.05)
    }
}

impl From<&ErrorSums> for Errors {
    fn from(sums: &ErrorSums) -> Self {
        Self {
            sqnr_db: sqnr::sqnr_db(sums),
            cosine: cosine::cosine(sums),
            nmse: nmse::nmse(sums),
            mse: mse::mse(sums),
            max_abs: max_abs::max_abs(sums),
            gain: gain::gain(sums),
        }
    }
}

impl Serialize for Errors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let entries = self.entries();
        for (key, measure) in entries {
            map.serialize_entry(key, &measure.value())?;
        }
        if let Some(why) = entries.iter().find_map(|(_, measure)| measure.why()) {
            map.serialize_entry("why", why)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(float: &[f32], quantized: &[f32]) -> String {
        serde_json::to_string(&Errors::from(&ErrorSums::of(float, quantized))).unwrap()
    }

    #[test]
    fn the_file_format() {
        // Σf² = 100, e = −1: 20 dB, NMSE 0.01, gain 0.9.
        assert_eq!(
            json(&[10.0], &[9.0]),
            r#"{"sqnr_db":20.0,"cosine":1.0,"nmse":0.01,"mse":1.0,"max_abs":1.0,"gain":0.9}"#
        );
        assert_eq!(
            json(&[3.0, 4.0], &[3.0, 4.0]),
            r#"{"sqnr_db":null,"cosine":1.0,"nmse":0.0,"mse":0.0,"max_abs":0.0,"gain":1.0,"why":"exact"}"#
        );
        assert_eq!(
            json(&[0.0], &[2.0]),
            r#"{"sqnr_db":null,"cosine":null,"nmse":null,"mse":4.0,"max_abs":2.0,"gain":null,"why":"the float tensor is all zeros"}"#
        );
        assert!(json(&[1.0], &[f32::NAN]).contains("\"max_abs\":null"));
        assert!(!json(&[1.0], &[f32::NAN]).contains("exact"));
    }

    #[test]
    fn a_gain_error_that_the_cosine_hides() {
        let of = |q: &[f32]| Errors::from(&ErrorSums::of(&[3.0, 4.0], q)).hides_a_gain_error();
        assert!(of(&[2.7, 3.6])); // gain 0.9
        assert!(!of(&[2.9, 3.9])); // gain 4.86/5 = 0.972
        assert!(!of(&[-6.0, -8.0])); // cosine −1
    }
}
