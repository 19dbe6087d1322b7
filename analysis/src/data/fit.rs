//! How an array's shape lies over a model input's: which axis counts samples, how many rows one call takes.
//!
//! The first axis counts samples whatever the model's own batch size. An array may lack axes of length 1 (`[N,28,28]` for
//! `[1,1,28,28]`), carry the model's batch besides (`[N,1,3,32,32]`), or be a single sample. What never happens in silence
//! is a transposition: `[N,32,32,3]` for `[N,3,32,32]` has the right number of elements and the wrong picture.

use std::collections::BTreeMap;

use super::picture::fixed;
use crate::{
    say,
    tensor::{Dim, ModelInput},
    text::Text,
};

/// An array over an input. Sample `i` is the elements `i·per_sample·row_len …` of the row-major array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fit {
    /// Rows along the sample axis; 1 when the array is one sample.
    pub(super) rows: usize,
    /// Rows that one call takes: the model's fixed batch size, else 1.
    pub(super) per_sample: usize,
    /// Elements of a row.
    pub(super) row_len: usize,
    /// The tensor's shape for one call.
    pub(super) sample_shape: Vec<usize>,
    /// What was done to the shape, for the feed's note.
    pub(super) note: Option<Text>,
}

impl Fit {
    /// Calls that the array is good for: at least one, since fewer rows than a batch are repeated.
    pub(super) fn samples(&self) -> usize {
        (self.rows / self.per_sample).max(1)
    }
}

/// How an array of `shape` feeds `input`, or `None`.
pub(super) fn fit(shape: &[usize], input: &ModelInput) -> Option<Fit> {
    if shape.contains(&0) {
        return None;
    }
    let row_len = |skip: usize| shape.iter().skip(skip).product();
    let Some(dims) = &input.dims else {
        let (&rows, rest) = shape.split_first()?;
        let sample_shape = std::iter::once(1).chain(rest.iter().copied()).collect();
        let note = Some(say!("the input's rank is undeclared: one row a call, as a batch of 1"));
        return Some(Fit { rows, per_sample: 1, row_len: row_len(1), sample_shape, note });
    };
    let whole =
        |shape: Vec<usize>, note| Fit { rows: 1, per_sample: 1, row_len: row_len(0), sample_shape: shape, note };
    if let (Some((batch, inner)), Some((&rows, rest))) = (dims.split_first(), shape.split_first()) {
        let per_sample = fixed(batch).unwrap_or(1);
        if let Some((aligned, changed)) = align(rest, inner).filter(|_| per_sample > 0) {
            let sample_shape = std::iter::once(per_sample).chain(aligned).collect();
            return Some(Fit { rows, per_sample, row_len: row_len(1), sample_shape, note: changed });
        }
        if same(rest, dims) {
            let note = (!rest.is_empty()).then_some(say!("each row is a whole call, batch axis included"));
            return Some(Fit { rows, per_sample: 1, row_len: row_len(1), sample_shape: rest.to_vec(), note });
        }
        if let Some((aligned, _)) = align(shape, inner).filter(|_| per_sample == 1) {
            return Some(whole(std::iter::once(1).chain(aligned).collect(), Some(say!("the array is one sample"))));
        }
    }
    if dims.is_empty() && shape.len() == 1 {
        return Some(Fit { rows: row_len(0), per_sample: 1, row_len: 1, sample_shape: Vec::new(), note: None });
    }
    same(shape, dims).then(|| whole(shape.to_vec(), Some(say!("the array is one sample"))))
}

/// `shape` without and `dims` with axes of length 1 put in or taken out until they agree: the shape as the model sees it.
fn align(shape: &[usize], dims: &[Dim]) -> Option<(Vec<usize>, Option<Text>)> {
    if same(shape, dims) {
        return Some((shape.to_vec(), None));
    }
    // Symbolic axes are never inserted: `[N,28]` for `[N,channels,28]` says nothing about channels.
    let inserted = |dims: &[Dim]| dims.first().is_some_and(|d| *d == Dim::Fixed(1));
    match (shape.split_first(), dims.split_first()) {
        (Some((&n, rest)), Some((dim, inner))) if fits(n, dim) => {
            if let Some((tail, note)) = align(rest, inner) {
                return Some((std::iter::once(n).chain(tail).collect(), note));
            }
        }
        _ => {}
    }
    if inserted(dims) {
        let (tail, _) = align(shape, dims.get(1..)?)?;
        return Some((std::iter::once(1).chain(tail).collect(), Some(say!("axes of length 1 inserted"))));
    }
    if shape.first() == Some(&1) {
        let (tail, _) = align(shape.get(1..)?, dims)?;
        return Some((tail, Some(say!("axes of length 1 removed"))));
    }
    None
}

fn fits(n: usize, dim: &Dim) -> bool {
    fixed(dim).is_none_or(|d| d == n)
}

pub(super) fn same(shape: &[usize], dims: &[Dim]) -> bool {
    shape.len() == dims.len() && shape.iter().zip(dims).all(|(&n, d)| fits(n, d))
}

/// Why `shape` may not be fed to `input` though it has the right numbers: channels first against channels last.
pub(super) fn transposed(shape: &[usize], input: &ModelInput) -> Option<&'static str> {
    let &[n, a, b, c] = shape else { return None };
    let last_to_first = fit(&[n, c, a, b], input).is_some() && (c == 1 || c == 3);
    let first_to_last = fit(&[n, b, c, a], input).is_some() && (a == 1 || a == 3);
    match (last_to_first, first_to_last) {
        (true, _) => Some("NHWC"),
        (_, true) => Some("NCHW"),
        _ => None,
    }
}

/// Binds the symbolic axes of `input` to the lengths of `shape`.
///
/// # Errors
/// The symbol and its two lengths, when it is already bound to another.
pub(super) fn bind(
    symbols: &mut BTreeMap<String, usize>,
    input: &ModelInput,
    shape: &[usize],
) -> Result<(), (String, usize, usize)> {
    for (dim, &n) in input.dims.iter().flatten().zip(shape) {
        if let Dim::Symbolic(name) = dim {
            let bound = *symbols.entry(name.clone()).or_insert(n);
            if bound != n {
                return Err((name.clone(), bound, n));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::input;
    use crate::tensor::ElementType;

    fn of(shape: &[usize], dims: &[i64]) -> Option<(usize, usize, Vec<usize>)> {
        let fit = fit(shape, &input("x", ElementType::Float32, dims))?;
        assert_eq!(fit.sample_shape.iter().product::<usize>(), fit.row_len * fit.per_sample);
        Some((fit.rows, fit.per_sample, fit.sample_shape))
    }

    #[test]
    fn first_axis_counts_samples() {
        assert_eq!(of(&[32, 3, 8, 8], &[-1, 3, 8, 8]), Some((32, 1, vec![1, 3, 8, 8])));
        assert_eq!(of(&[32, 3, 8, 8], &[1, 3, 8, 8]), Some((32, 1, vec![1, 3, 8, 8])));
        assert_eq!(of(&[32, 3, 8, 8], &[4, 3, 8, 8]), Some((32, 4, vec![4, 3, 8, 8])));
        assert_eq!(of(&[48, 15], &[-1, -1]), Some((48, 1, vec![1, 15])));
        assert_eq!(of(&[7], &[]), Some((7, 1, vec![])));
        assert_eq!(of(&[7], &[1]), Some((7, 1, vec![1])));
    }

    #[test]
    fn axes_of_one_come_and_go() {
        assert_eq!(of(&[500, 28, 28], &[1, 1, 28, 28]), Some((500, 1, vec![1, 1, 28, 28])));
        assert_eq!(of(&[9, 30, 40], &[-1, 30, 1, 40]), Some((9, 1, vec![1, 30, 1, 40])));
        assert_eq!(of(&[9, 1, 28, 28], &[-1, 28, 28]), Some((9, 1, vec![1, 28, 28])));
        assert_eq!(of(&[5, 1, 3, 8, 8], &[1, 3, 8, 8]), Some((5, 1, vec![1, 3, 8, 8])));
        assert_eq!(of(&[5, 2, 3, 8, 8], &[2, 3, 8, 8]), Some((5, 1, vec![2, 3, 8, 8])));
    }

    #[test]
    fn a_single_sample_is_one() {
        assert_eq!(of(&[3, 8, 8], &[-1, 3, 8, 8]), Some((1, 1, vec![1, 3, 8, 8])));
        assert_eq!(of(&[28, 28], &[1, 1, 28, 28]), Some((1, 1, vec![1, 1, 28, 28])));
    }

    #[test]
    fn channels_last_is_never_taken_for_channels_first() {
        assert_eq!(of(&[200, 32, 32, 3], &[-1, 3, 32, 32]), None);
        let first = input("x", ElementType::Float32, &[-1, 3, 32, 32]);
        assert_eq!(transposed(&[200, 32, 32, 3], &first), Some("NHWC"));
        let last = input("x", ElementType::Float32, &[-1, 32, 32, 3]);
        assert_eq!(transposed(&[200, 3, 32, 32], &last), Some("NCHW"));
        assert_eq!(transposed(&[200, 5, 5, 5], &last), None);
    }

    #[test]
    fn nothing_fits_by_accident() {
        assert_eq!(of(&[10, 4], &[-1, 5]), None);
        assert_eq!(of(&[0, 5], &[-1, 5]), None);
        assert_eq!(of(&[], &[-1, 5]), None);
        assert_eq!(of(&[10, 28], &[-1, -1, 28]), Some((1, 1, vec![1, 10, 28])));
    }

    #[test]
    fn symbols_have_one_length() {
        let mut symbols = BTreeMap::new();
        let ids = ModelInput {
            name: "ids".to_owned(),
            element_type: ElementType::Int64,
            dims: Some(vec![Dim::Symbolic("batch".to_owned()), Dim::Symbolic("seq".to_owned())]),
        };
        assert_eq!(bind(&mut symbols, &ids, &[1, 15]), Ok(()));
        assert_eq!(bind(&mut symbols, &ids, &[1, 16]), Err(("seq".to_owned(), 15, 16)));
    }
}
