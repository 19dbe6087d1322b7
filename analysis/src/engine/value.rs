//! A tensor as it travels between segments: float32 in memory of our own, so that it can be quantized, compared and
//! shared; everything else (tokens, masks, shapes, sequences) as onnxruntime returned it.

use std::{borrow::Cow, sync::Arc};

use ort::value::{DynValue, DynValueTypeMarker, Tensor as OrtTensor, TensorElementType};

use super::codes::Codes;
use crate::{
    buffer::{Buffer, Pool},
    error::{Error, Result},
    quant::QuantParams,
    tensor::{ElementType, Tensor, TensorData},
};

/// A value between two segments.
#[derive(Debug)]
#[expect(private_interfaces, reason = "who makes values and what memory they are in is the engine's business")]
pub enum Value {
    /// float32, row-major.
    Float {
        /// Length of each axis.
        shape: Vec<i64>,
        /// The elements.
        data: Buffer,
    },
    /// float32 that came out of an integer quantizer, as its integers.
    Codes {
        /// Length of each axis.
        shape: Vec<i64>,
        /// The elements.
        codes: Codes,
    },
    /// Anything else.
    Other(Arc<DynValue>),
}

impl Value {
    /// What a run returned, where it returned it: the session's arena, which lives as long as the session.
    pub(super) fn from_runtime(value: DynValue) -> Self {
        Self::Other(Arc::new(value))
    }

    /// A float32 tensor; `shape` is that of `data`.
    pub fn from_floats(shape: Vec<i64>, data: Vec<f32>) -> Self {
        Self::Float { shape, data: data.into() }
    }

    /// The integers of a float32 tensor that came out of a quantizer with these parameters; other values pass.
    pub(super) fn packed(self, params: QuantParams) -> Self {
        match self {
            Self::Float { shape, data } => Self::Codes { shape, codes: Codes::of(data, params) },
            other => other,
        }
    }

    /// A copy that holds integers alone, where there are any: the values that readers ask it for are not kept for longer
    /// than the copy.
    pub(super) fn resting(&self) -> Option<Self> {
        let Self::Codes { shape, codes } = self else { return None };
        Some(Self::Codes { shape: shape.clone(), codes: codes.resting() })
    }

    /// Lets go of the values beside the integers.
    pub(super) fn rest(value: &mut Arc<Self>) {
        match Arc::get_mut(value) {
            Some(Self::Codes { codes, .. }) => codes.rest(),
            Some(_) => {}
            // Somebody reads it still.
            None => {
                if let Some(resting) = value.resting() {
                    *value = Arc::new(resting);
                }
            }
        }
    }

    /// float32 copied out of onnxruntime's arena into memory of the pool; anything else as it is.
    pub(super) fn pooled(self, pool: &Pool) -> Self {
        match (&self, self.floats()) {
            (Self::Other(_), Some(found)) => {
                let mut data = pool.take(found.len());
                data.copy_from_slice(found);
                Self::Float { shape: self.dims(), data }
            }
            _ => self,
        }
    }

    /// From a data sample.
    ///
    /// # Errors
    /// [`Error::Runtime`] when onnxruntime refuses the type.
    pub fn from_tensor(tensor: &Tensor) -> Result<Self> {
        let shape: Vec<i64> = tensor.shape.iter().map(|&d| i64::try_from(d).unwrap_or(i64::MAX)).collect();
        fn other<T>(shape: Vec<i64>, data: &[T]) -> Result<Value>
        where
            T: ort::value::PrimitiveTensorElementType + Clone + std::fmt::Debug + 'static,
        {
            let value = OrtTensor::from_array((shape, data.to_vec())).map_err(|e| Error::runtime("an input", e))?;
            Ok(Value::Other(Arc::new(value.into_dyn())))
        }
        match &tensor.data {
            TensorData::Float32(data) => Ok(Self::Float { shape, data: data.clone().into() }),
            TensorData::Float64(data) => other(shape, data),
            TensorData::Float16(data) => other(shape, data),
            TensorData::BFloat16(data) => other(shape, data),
            TensorData::Uint8(data) => other(shape, data),
            TensorData::Int8(data) => other(shape, data),
            TensorData::Uint16(data) => other(shape, data),
            TensorData::Int16(data) => other(shape, data),
            TensorData::Uint32(data) => other(shape, data),
            TensorData::Int32(data) => other(shape, data),
            TensorData::Uint64(data) => other(shape, data),
            TensorData::Int64(data) => other(shape, data),
            TensorData::Bool(data) => other(shape, data),
            TensorData::String(data) => {
                let value = OrtTensor::from_string_array((shape, data.as_slice()))
                    .map_err(|e| Error::runtime("an input", e))?;
                Ok(Self::Other(Arc::new(value.into_dyn())))
            }
        }
    }

    /// The elements when they are float32.
    pub fn floats(&self) -> Option<&[f32]> {
        match self {
            Self::Float { data, .. } => Some(data),
            Self::Codes { codes, .. } => Some(codes.values()),
            Self::Other(value) if value.dtype().tensor_type() == Some(TensorElementType::Float32) => {
                value.try_extract_tensor::<f32>().ok().map(|(_, data)| data)
            }
            Self::Other(_) => None,
        }
    }

    /// The elements as float32 for error sums: float32 as it is, float16 and bfloat16 widened without loss, float64
    /// rounded; `None` for anything else.
    pub fn widened(&self) -> Option<Cow<'_, [f32]>> {
        if let Some(data) = self.floats() {
            return Some(Cow::Borrowed(data));
        }
        let Self::Other(value) = self else { return None };
        match element_type(value.dtype().tensor_type()?)? {
            ElementType::Float16 => {
                let (_, data) = value.try_extract_tensor::<half::f16>().ok()?;
                Some(data.iter().map(|v| v.to_f32()).collect())
            }
            ElementType::BFloat16 => {
                let (_, data) = value.try_extract_tensor::<half::bf16>().ok()?;
                Some(data.iter().map(|v| v.to_f32()).collect())
            }
            ElementType::Float64 => {
                let (_, data) = value.try_extract_tensor::<f64>().ok()?;
                #[expect(clippy::cast_possible_truncation, reason = "documented")]
                let data = data.iter().map(|&v| v as f32).collect();
                Some(data)
            }
            _ => None,
        }
    }

    /// The shape of a tensor; empty for sequences and the like.
    pub fn shape(&self) -> Vec<usize> {
        self.dims().iter().map(|&d| usize::try_from(d).unwrap_or(0)).collect()
    }

    /// The shape as onnxruntime has it.
    pub(super) fn dims(&self) -> Vec<i64> {
        match self {
            Self::Float { shape, .. } | Self::Codes { shape, .. } => shape.clone(),
            Self::Other(value) => value.dtype().tensor_shape().map(|s| s.to_vec()).unwrap_or_default(),
        }
    }

    /// Bytes held, as far as they are ours to bound.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Float { data, .. } => (size_of::<f32>() * data.capacity()) as u64,
            Self::Codes { codes, .. } => codes.bytes(),
            Self::Other(value) => {
                let elements: i64 = value.dtype().tensor_shape().map_or(0, |s| s.iter().product());
                8 * u64::try_from(elements).unwrap_or(0)
            }
        }
    }

    /// Whether both hold the same bits; values of which this cannot be told are different.
    pub fn same_bits(&self, other: &Self) -> bool {
        if let (Some(a), Some(b)) = (self.items(), other.items()) {
            return a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.same_bits(b));
        }
        match (self, other) {
            (Self::Codes { shape, codes }, Self::Codes { shape: other_shape, codes: other_codes })
                if codes.has_codes_of(other_codes) =>
            {
                shape == other_shape
            }
            (Self::Other(a), Self::Other(b)) => Arc::ptr_eq(a, b) || same_elements(a, b),
            _ => match (self.floats(), other.floats()) {
                (Some(x), Some(y)) => {
                    self.shape() == other.shape() && x.iter().zip(y).all(|(x, y)| x.to_bits() == y.to_bits())
                }
                _ => false,
            },
        }
    }

    /// The elements of a sequence; `None` for a tensor.
    pub fn items(&self) -> Option<Vec<Self>> {
        let Self::Other(value) = self else { return None };
        let items = value.try_extract_sequence::<DynValueTypeMarker>().ok()?;
        Some(items.into_iter().map(|item| Self::Other(Arc::new(item))).collect())
    }

    /// The value as a tensor of our own; `None` for sequences and types this program does not compute with.
    pub fn to_tensor(&self) -> Option<Tensor> {
        let shape = self.shape();
        let value = match self {
            Self::Float { data, .. } => return Some(Tensor { shape, data: TensorData::Float32(data.to_vec()) }),
            Self::Codes { codes, .. } => {
                return Some(Tensor { shape, data: TensorData::Float32(codes.values().to_vec()) });
            }
            Self::Other(value) => value,
        };
        macro_rules! take {
            ($variant:ident, $type:ty) => {
                value.try_extract_tensor::<$type>().ok().map(|(_, data)| TensorData::$variant(data.to_vec()))
            };
        }
        let data = match element_type(value.dtype().tensor_type()?)? {
            ElementType::Float32 => take!(Float32, f32),
            ElementType::Float64 => take!(Float64, f64),
            ElementType::Float16 => take!(Float16, half::f16),
            ElementType::BFloat16 => take!(BFloat16, half::bf16),
            ElementType::Uint8 => take!(Uint8, u8),
            ElementType::Int8 => take!(Int8, i8),
            ElementType::Uint16 => take!(Uint16, u16),
            ElementType::Int16 => take!(Int16, i16),
            ElementType::Uint32 => take!(Uint32, u32),
            ElementType::Int32 => take!(Int32, i32),
            ElementType::Uint64 => take!(Uint64, u64),
            ElementType::Int64 => take!(Int64, i64),
            ElementType::Bool => take!(Bool, bool),
            ElementType::String => value.try_extract_strings().ok().map(|(_, data)| TensorData::String(data)),
        }?;
        Some(Tensor { shape, data })
    }
}

/// Compares tensors bit for bit.
fn same_elements(a: &DynValue, b: &DynValue) -> bool {
    fn same<T, B>(a: &DynValue, b: &DynValue, bits: fn(&T) -> B) -> bool
    where
        T: ort::value::PrimitiveTensorElementType,
        B: PartialEq,
    {
        match (a.try_extract_tensor::<T>(), b.try_extract_tensor::<T>()) {
            (Ok((shape_a, x)), Ok((shape_b, y))) => {
                shape_a == shape_b && x.iter().zip(y).all(|(x, y)| bits(x) == bits(y))
            }
            _ => false,
        }
    }
    let Some(kind) = a.dtype().tensor_type().and_then(element_type) else { return false };
    match kind {
        ElementType::Float32 => same::<f32, _>(a, b, |v| v.to_bits()),
        ElementType::Float64 => same::<f64, _>(a, b, |v| v.to_bits()),
        ElementType::Float16 => same::<half::f16, _>(a, b, |v| v.to_bits()),
        ElementType::BFloat16 => same::<half::bf16, _>(a, b, |v| v.to_bits()),
        ElementType::Uint8 => same::<u8, _>(a, b, |v| *v),
        ElementType::Int8 => same::<i8, _>(a, b, |v| *v),
        ElementType::Uint16 => same::<u16, _>(a, b, |v| *v),
        ElementType::Int16 => same::<i16, _>(a, b, |v| *v),
        ElementType::Uint32 => same::<u32, _>(a, b, |v| *v),
        ElementType::Int32 => same::<i32, _>(a, b, |v| *v),
        ElementType::Uint64 => same::<u64, _>(a, b, |v| *v),
        ElementType::Int64 => same::<i64, _>(a, b, |v| *v),
        ElementType::Bool => same::<bool, _>(a, b, |v| *v),
        ElementType::String => match (a.try_extract_strings(), b.try_extract_strings()) {
            (Ok((shape_a, x)), Ok((shape_b, y))) => shape_a == shape_b && x == y,
            _ => false,
        },
    }
}

/// onnxruntime's element type in our terms.
pub(super) fn element_type(found: TensorElementType) -> Option<ElementType> {
    use TensorElementType as T;
    Some(match found {
        T::Float32 => ElementType::Float32,
        T::Float64 => ElementType::Float64,
        T::Float16 => ElementType::Float16,
        T::Bfloat16 => ElementType::BFloat16,
        T::Uint8 => ElementType::Uint8,
        T::Int8 => ElementType::Int8,
        T::Uint16 => ElementType::Uint16,
        T::Int16 => ElementType::Int16,
        T::Uint32 => ElementType::Uint32,
        T::Int32 => ElementType::Int32,
        T::Uint64 => ElementType::Uint64,
        T::Int64 => ElementType::Int64,
        T::Bool => ElementType::Bool,
        T::String => ElementType::String,
        _ => return None,
    })
}
