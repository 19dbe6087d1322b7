//! Cutting and reordering tensor values of any element type, and reading single values as exact numbers.
//!
//! Integers are read as `i128`, not as `f64`: 2^53 + 1 is a legal token id and would come back as 2^53.

use std::ops::Range;

use crate::tensor::TensorData;

/// Applies `$body` to the values of any variant and wraps the result in the same variant.
macro_rules! same_variant {
    ($data:expr, $values:ident => $body:expr) => {
        match $data {
            TensorData::Float32($values) => TensorData::Float32($body),
            TensorData::Float64($values) => TensorData::Float64($body),
            TensorData::Float16($values) => TensorData::Float16($body),
            TensorData::BFloat16($values) => TensorData::BFloat16($body),
            TensorData::Uint8($values) => TensorData::Uint8($body),
            TensorData::Int8($values) => TensorData::Int8($body),
            TensorData::Uint16($values) => TensorData::Uint16($body),
            TensorData::Int16($values) => TensorData::Int16($body),
            TensorData::Uint32($values) => TensorData::Uint32($body),
            TensorData::Int32($values) => TensorData::Int32($body),
            TensorData::Uint64($values) => TensorData::Uint64($body),
            TensorData::Int64($values) => TensorData::Int64($body),
            TensorData::Bool($values) => TensorData::Bool($body),
            TensorData::String($values) => TensorData::String($body),
        }
    };
}

/// One value, exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// Any integer or boolean element.
    Int(i128),
    /// Any floating-point element.
    Float(f64),
}

impl Number {
    /// The nearest `f64`; exact for floats and for integers up to 2^53.
    pub(super) fn as_f64(self) -> f64 {
        match self {
            Self::Int(v) => v as f64,
            Self::Float(v) => v,
        }
    }
}

/// The values `range`, which the caller keeps inside the data.
pub(super) fn slice(data: &TensorData, range: Range<usize>) -> TensorData {
    same_variant!(data, v => v.get(range).map(<[_]>::to_vec).unwrap_or_default())
}

/// `out[i] = data[order[i]]`; orders that point outside the data are dropped.
pub(super) fn gather(data: &TensorData, order: &[usize]) -> TensorData {
    same_variant!(data, v => order.iter().filter_map(|&i| v.get(i).cloned()).collect())
}

/// The values `n` times over, one copy after the other.
pub(super) fn repeat(data: &TensorData, n: usize) -> TensorData {
    same_variant!(data, v => std::iter::repeat_n(v, n).flatten().cloned().collect())
}

/// How many values there are.
pub(super) fn count(data: &TensorData) -> usize {
    match data {
        TensorData::Float32(v) => v.len(),
        TensorData::Float64(v) => v.len(),
        TensorData::Float16(v) => v.len(),
        TensorData::BFloat16(v) => v.len(),
        TensorData::Uint8(v) => v.len(),
        TensorData::Int8(v) => v.len(),
        TensorData::Uint16(v) => v.len(),
        TensorData::Int16(v) => v.len(),
        TensorData::Uint32(v) => v.len(),
        TensorData::Int32(v) => v.len(),
        TensorData::Uint64(v) => v.len(),
        TensorData::Int64(v) => v.len(),
        TensorData::Bool(v) => v.len(),
        TensorData::String(v) => v.len(),
    }
}

/// Every value as an exact number; nothing for strings, which are no numbers.
pub(super) fn numbers(data: &TensorData) -> Box<dyn Iterator<Item = Number> + '_> {
    match data {
        TensorData::Float32(v) => Box::new(v.iter().map(|&x| Number::Float(f64::from(x)))),
        TensorData::Float64(v) => Box::new(v.iter().map(|&x| Number::Float(x))),
        TensorData::Float16(v) => Box::new(v.iter().map(|x| Number::Float(x.to_f64()))),
        TensorData::BFloat16(v) => Box::new(v.iter().map(|x| Number::Float(x.to_f64()))),
        TensorData::Uint8(v) => Box::new(v.iter().map(|&x| Number::Int(x.into()))),
        TensorData::Int8(v) => Box::new(v.iter().map(|&x| Number::Int(x.into()))),
        TensorData::Uint16(v) => Box::new(v.iter().map(|&x| Number::Int(x.into()))),
        TensorData::Int16(v) => Box::new(v.iter().map(|&x| Number::Int(x.into()))),
        TensorData::Uint32(v) => Box::new(v.iter().map(|&x| Number::Int(x.into()))),
        TensorData::Int32(v) => Box::new(v.iter().map(|&x| Number::Int(x.into()))),
        TensorData::Uint64(v) => Box::new(v.iter().map(|&x| Number::Int(x.into()))),
        TensorData::Int64(v) => Box::new(v.iter().map(|&x| Number::Int(x.into()))),
        TensorData::Bool(v) => Box::new(v.iter().map(|&x| Number::Int(x.into()))),
        TensorData::String(_) => Box::new(std::iter::empty()),
    }
}

/// The position of the first NaN or infinity.
pub(super) fn first_non_finite(data: &TensorData) -> Option<usize> {
    match data {
        TensorData::Float32(v) => v.iter().position(|x| !x.is_finite()),
        TensorData::Float64(v) => v.iter().position(|x| !x.is_finite()),
        TensorData::Float16(v) => v.iter().position(|x| !x.is_finite()),
        TensorData::BFloat16(v) => v.iter().position(|x| !x.is_finite()),
        _ => None,
    }
}

/// For each element of the permuted tensor (axis `k` of the result is axis `axes[k]` of the source) its place in the
/// row-major source of shape `shape`. `axes` is a permutation of the axes of `shape`.
pub(super) fn permuted_order(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    debug_assert_eq!(shape.len(), axes.len());
    let mut strides = vec![1_usize; shape.len()];
    for k in (1..shape.len()).rev() {
        strides[k - 1] = strides[k] * shape[k];
    }
    let mut order = vec![0_usize];
    for &axis in axes {
        order = order
            .iter()
            .flat_map(|&base| (0..shape[axis]).map(move |i| (base, i)))
            .map(|(b, i)| b + i * strides[axis])
            .collect();
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutes_height_width_channel_to_channel_first() {
        // [2,1,3] (H,W,C) holds h0: c0 c1 c2 = 0 1 2, h1: 3 4 5. Channel first [3,2,1]: c0 = 0 3, c1 = 1 4, c2 = 2 5.
        let order = permuted_order(&[2, 1, 3], &[2, 0, 1]);
        assert_eq!(order, [0, 3, 1, 4, 2, 5]);
        let data = TensorData::Uint8(vec![10, 11, 12, 13, 14, 15]);
        assert_eq!(gather(&data, &order), TensorData::Uint8(vec![10, 13, 11, 14, 12, 15]));
    }

    #[test]
    fn big_integers_stay_exact() {
        let data = TensorData::Int64(vec![(1 << 53) + 1]);
        assert_eq!(numbers(&data).next(), Some(Number::Int((1 << 53) + 1)));
    }

    #[test]
    fn cuts_and_repeats() {
        let data = TensorData::Int8(vec![1, 2, 3, 4]);
        assert_eq!(slice(&data, 1..3), TensorData::Int8(vec![2, 3]));
        assert_eq!(repeat(&slice(&data, 0..2), 2), TensorData::Int8(vec![1, 2, 1, 2]));
        assert_eq!(count(&slice(&data, 3..9)), 0);
    }
}
