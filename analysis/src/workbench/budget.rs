//! The memory for cached tensors, changed while a model is open.

use super::{Workbench, open::default_budget_bytes};
use crate::report::Memory;

impl Workbench {
    /// Allows cached tensors so many bytes from now on; `None`: a quarter of the machine's memory. What is above that is
    /// dropped at once, the last samples first, and run again when it is needed: no number changes. Where there is more
    /// room than before, the next evaluation runs the float model again to fill it.
    pub fn set_memory_budget(&mut self, bytes: Option<u64>) -> Memory {
        let budget = bytes.unwrap_or_else(default_budget_bytes);
        let has_grown = budget > self.memory_budget_bytes;
        self.memory_budget_bytes = budget;
        let mut memory = Memory { budget_bytes: budget, ..Memory::default() };
        let tensors = self.tensors_budget();
        if let Some(data) = &mut self.data {
            for (run, reserved) in data.samples.iter_mut().zip(&mut data.reserved).rev() {
                if data.account.used_bytes() <= tensors {
                    break;
                }
                run.drop_tensors();
                data.account.release(std::mem::take(reserved));
            }
            data.account.set_budget(tensors);
            if has_grown && data.samples.iter().any(|run| run.float.is_empty()) {
                data.is_referenced = false;
            }
            (memory.used_bytes, memory.peak_bytes) = (data.account.used_bytes(), data.account.peak_bytes());
        }
        self.engine.release_memory();
        memory
    }
}
