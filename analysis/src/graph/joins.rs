//! Tensors that an operator wants in one scale, and what follows from it for their neighbours: whoever shares a quantizer
//! with one of them, through a pooling or through another such operator, is of the same group.
//!
//! The owner is the first in the order in which the plan works scales out, which is that of the rows. The order of tensor
//! ids would not do: a row stands where its first node does, its output's id comes from its last, and another row can
//! come between.

use std::collections::BTreeMap;

use super::{Graph, Owner, Place, TensorId};

/// Makes one group of all tensors that `joins` connect, directly or through shared quantizers. Returns the tensors whose
/// values make a group's scale, by owner.
///
/// Left out are tensors without a quantizer, with one that is a table's, and with a fixed range or fixed parameters.
pub(super) fn unite(
    graph: &Graph,
    places: &mut [Option<Place>],
    joins: &[Vec<TensorId>],
) -> BTreeMap<TensorId, Vec<TensorId>> {
    let mut groups = Groups { parents: (0..places.len()).collect(), ranks: ranks(graph) };
    for join in joins {
        let roots: Vec<TensorId> = join.iter().filter_map(|&tensor| joinable(places, tensor)).collect();
        for pair in roots.windows(2) {
            groups.unite(pair[0], pair[1]);
        }
    }
    let mut joined: BTreeMap<TensorId, Vec<TensorId>> = BTreeMap::new();
    for (tensor, place) in places.iter_mut().enumerate() {
        let Some(place) = place else { continue };
        match place.owner {
            Owner::Itself => {
                let owner = groups.find(tensor);
                if owner != tensor {
                    place.owner = Owner::Tensor(owner);
                }
                joined.entry(owner).or_default().push(tensor);
            }
            Owner::Tensor(owner) => place.owner = Owner::Tensor(groups.find(owner)),
            Owner::Constant(_) => {}
        }
    }
    joined.retain(|_, members| members.len() > 1);
    for members in joined.values_mut() {
        members.sort_by_key(|&tensor| groups.ranks[tensor]);
    }
    joined
}

/// The owner of the tensor's quantizer as it is before any joining, if that may be joined with others.
fn joinable(places: &[Option<Place>], tensor: TensorId) -> Option<TensorId> {
    let place = places[tensor].filter(|p| p.fixed_range.is_none() && p.fixed_params.is_none())?;
    match place.owner {
        Owner::Itself => Some(tensor),
        Owner::Tensor(owner) => Some(owner),
        Owner::Constant(_) => None,
    }
}

/// Where each tensor stands in the order of the rows; what no row makes comes last.
fn ranks(graph: &Graph) -> Vec<usize> {
    let mut ranks = vec![usize::MAX; graph.tensors.len()];
    for (rank, &tensor) in graph.layers.iter().flat_map(|layer| &layer.outputs).enumerate() {
        ranks[tensor] = rank;
    }
    ranks
}

/// Disjoint sets, each with its first member as representative.
struct Groups {
    parents: Vec<TensorId>,
    ranks: Vec<usize>,
}

impl Groups {
    fn find(&mut self, tensor: TensorId) -> TensorId {
        let mut at = tensor;
        while self.parents[at] != at {
            // Halving the path keeps later walks short.
            self.parents[at] = self.parents[self.parents[at]];
            at = self.parents[at];
        }
        at
    }

    fn unite(&mut self, a: TensorId, b: TensorId) {
        let (a, b) = (self.find(a), self.find(b));
        let (first, second) = if (self.ranks[a], a) <= (self.ranks[b], b) { (a, b) } else { (b, a) };
        self.parents[second] = first;
    }
}
