//! What a configuration means for one model: total where [`crate::config::QuantConfig`] is sparse.
//!
//! Three steps, each its own room: `formats` resolves widths and refuses what cannot take effect; `weights`
//! quantizes the constants of a layer; `ranges` turns statistics into scales and zero-points. The engine and the
//! export read the result and decide nothing themselves, which is why what is shown is what is exported.

mod bias;
mod formats;
mod granularity;
mod limits;
mod operand;
mod ranges;
mod refusals;
mod relieved;
mod weights;

pub use formats::{FormatPlan, GridRule, LayerFormat, RangeRule, TensorFormat};
pub(crate) use formats::{activation_fixed, format_owner, range_fixed, weight_fixed};
pub use granularity::ScaleAxes;
pub(crate) use limits::target_defaults;
pub use operand::{Operand, OperandValue};
pub use ranges::{QuantPlan, TensorQuantizer, WeightCache};
pub use weights::{LayerWeights, WeightKey};
