//! Mappings of memory, and the blocks that they are cut into.

use std::{ops::Range, ptr::NonNull, sync::Arc};

use memmap2::MmapMut;
use range_alloc::RangeAllocator;

/// Bytes of one mapping: many tensors share it. A larger tensor has one of its own.
const MAPPING_BYTES: usize = 32 << 20;

/// Part of a mapping that one buffer owns.
#[derive(Debug)]
pub(super) struct Block {
    start: NonNull<f32>,
    /// In the mapping, in floats.
    range: Range<usize>,
    /// Keeps the memory mapped.
    mapping: Arc<Mapping>,
}

#[expect(unsafe_code, reason = "a block is the only way to its bytes, as a Box is")]
// SAFETY: blocks do not overlap and own their floats, which are plain data.
unsafe impl Send for Block {}
#[expect(unsafe_code, reason = "a block is the only way to its bytes, as a Box is")]
// SAFETY: a shared block gives shared floats only.
unsafe impl Sync for Block {}

/// Its bytes are handed out once at a time, as blocks; it is never read or written through this.
#[derive(Debug)]
struct Mapping {
    map: MmapMut,
}

/// A mapping, and what of it nobody uses.
#[derive(Debug)]
pub(super) struct Region {
    mapping: Arc<Mapping>,
    free: RangeAllocator<usize>,
    /// Floats in blocks.
    used: usize,
    is_large: bool,
}

impl Block {
    /// Floats held.
    pub(super) fn capacity(&self) -> usize {
        self.range.len()
    }

    #[expect(unsafe_code, reason = "the values live in a mapping")]
    pub(super) fn values(&self, len: usize) -> &[f32] {
        debug_assert!(len <= self.capacity(), "a block holds its buffer");
        // SAFETY: as many floats as the range has from `start` on are mapped while `mapping` lives, are this block's alone,
        // aligned to a cache line and initialised: a mapping starts as zeros.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), len) }
    }

    #[expect(unsafe_code, reason = "the values live in a mapping")]
    pub(super) fn values_mut(&mut self, len: usize) -> &mut [f32] {
        debug_assert!(len <= self.capacity(), "a block holds its buffer");
        // SAFETY: as in `values`; `&mut self` is the only way here.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), len) }
    }
}

impl Region {
    /// With room for a block of so many floats; `None` where the system maps no more.
    pub(super) fn new(capacity: usize) -> Option<Self> {
        let floats = if is_large(capacity) { capacity } else { MAPPING_BYTES / size_of::<f32>() };
        let map = MmapMut::map_anon(size_of::<f32>() * floats).ok()?;
        // A wish: without huge pages it is only slower.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        let (mapping, free) = (Arc::new(Mapping { map }), RangeAllocator::new(0..floats));
        Some(Self { mapping, free, used: 0, is_large: is_large(capacity) })
    }

    /// A block of so many floats, if there is room. A region for one large block is not cut, nor taken for a block much
    /// smaller than itself.
    pub(super) fn take(&mut self, capacity: usize) -> Option<Block> {
        let (whole, left) = (self.capacity(), self.capacity() - self.used);
        let is_for_it = if is_large(capacity) {
            self.is_large() && !self.is_used() && whole - whole / 3 <= capacity
        } else {
            !self.is_large()
        };
        if !is_for_it || left < capacity {
            return None;
        }
        let range = self.free.allocate_range(if self.is_large() { whole } else { capacity }).ok()?;
        self.used += range.len();
        // Page-aligned, so it is aligned for floats.
        let first: NonNull<f32> = NonNull::new(self.mapping.map.as_ptr().cast_mut().cast())?;
        #[expect(unsafe_code, reason = "cuts a mapping into blocks")]
        // SAFETY: the range is inside the mapping.
        let start = unsafe { first.add(range.start) };
        Some(Block { start, range, mapping: Arc::clone(&self.mapping) })
    }

    /// Takes a block of its own back.
    pub(super) fn give(&mut self, block: Block) {
        self.used -= block.capacity();
        self.free.free_range(block.range);
    }

    /// Whether a block was cut from it.
    pub(super) fn has(&self, block: &Block) -> bool {
        Arc::ptr_eq(&self.mapping, &block.mapping)
    }

    /// Floats in all.
    pub(super) fn capacity(&self) -> usize {
        self.free.initial_range().len()
    }

    /// Whether a block of it is somewhere.
    pub(super) fn is_used(&self) -> bool {
        self.used > 0
    }

    /// Whether it is for one large block.
    pub(super) fn is_large(&self) -> bool {
        self.is_large
    }
}

/// Whether a block of so many floats has a mapping of its own.
pub(super) fn is_large(capacity: usize) -> bool {
    size_of::<f32>() * capacity > MAPPING_BYTES / 4
}
