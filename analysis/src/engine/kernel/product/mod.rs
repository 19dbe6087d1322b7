//! Matrix products of our own: rows times a matrix of weights, and the tiles that a convolution is made of, too.

mod dense;
mod rows;
mod tile;

#[cfg(test)]
mod tests;

pub(super) use dense::{Dense, Rows};
pub(super) use rows::PackedRows;
pub(super) use tile::{Output, PANEL, multiply};

/// How much of a product's depth onnxruntime may sum at a time, the likeliest first; each gives other bits than the rest.
///
/// It works in blocks of 128 by 128, made deeper where the product has fewer columns (`MlasSgemmOperation`), or of 256
/// where it prepared the weights (`MlasSgemmPackedOperation`). Which it is depends on its
/// version and on the operator, and is found out by the proof.
pub(super) fn blocks(depth: usize, columns: usize) -> Vec<usize> {
    let (mut wide, mut deep) = (128, 128);
    while columns < depth && wide > 16 && wide / 2 >= columns {
        (wide, deep) = (wide / 2, deep * 2);
    }
    let mut blocks: Vec<usize> = Vec::new();
    for block in [deep, 128, 256, 512, 1024, usize::MAX].map(|block| block.min(depth)) {
        if !blocks.contains(&block) {
            blocks.push(block);
        }
    }
    blocks
}
