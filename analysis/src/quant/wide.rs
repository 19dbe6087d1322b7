//! Compiles a hot loop twice, for the baseline of the platform and for AVX2, and picks one while running.
//!
//! Both versions are the same Rust: fixed lanes, no fused multiply-add, no reassociation. So they give the same bits,
//! and which machine ran an analysis never shows in its numbers. Rust's x86-64 baseline is SSE2, which costs the loops
//! of this crate about half their speed.

/// `wide! { /// docs \n fn name(arg: Type, …) -> Out = body; }` defines `name`, which calls the `#[inline(always)]`
/// function `body` with the same arguments, compiled for the widest instruction set that is present.
macro_rules! wide {
    ($(#[$meta:meta])* fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? = $body:path;) => {
        $(#[$meta])*
        fn $name($($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn wider($($arg: $type),*) $(-> $out)? {
                    $body($($arg),*)
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    #[allow(unsafe_code, reason = "the feature was detected on the line above; the function is safe Rust")]
                    // SAFETY: `wider` needs AVX2 and nothing else.
                    return unsafe { wider($($arg),*) };
                }
            }
            $body($($arg),*)
        }
    };
}

pub(crate) use wide;
