//! Compiles a hot loop for each vector extension that matters, and picks one while running.
//!
//! All versions are the same Rust: fixed lanes, no reassociation, and no fused multiply-add where it rounds otherwise. So they give the same bits,
//! and which machine ran an analysis never shows in its numbers. Rust's x86-64 baseline is SSE2, which costs the loops
//! of this crate about half their speed. On aarch64 the baseline has NEON, and there is one version.

/// The vector extensions that hot loops are compiled for, narrowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Extension {
    /// What the target always has.
    Baseline,
    /// x86-64 with AVX2 and FMA, which came together.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL, and FMA.
    Avx512,
}

/// The widest extension of this machine; the answer is cached by the standard library.
#[inline]
fn present() -> Extension {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        if has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") && has!("fma") {
            return Extension::Avx512;
        }
        if has!("avx2") && has!("fma") {
            return Extension::Avx2;
        }
    }
    Extension::Baseline
}

/// What [`wide`] functions run with.
#[cfg(not(test))]
#[inline]
pub(crate) fn extension() -> Extension {
    present()
}

#[cfg(test)]
thread_local! {
    static WIDEST: std::cell::Cell<Extension> = const { std::cell::Cell::new(Extension::Avx512) };
}

/// What [`wide`] functions run with: what is present, unless [`with_each`] holds this thread to less.
#[cfg(test)]
pub(crate) fn extension() -> Extension {
    present().min(WIDEST.get())
}

/// The results of `work` on this thread with each extension that is present, the baseline first.
#[cfg(test)]
pub(crate) fn with_each<T>(mut work: impl FnMut() -> T) -> Vec<(Extension, T)> {
    let all = [Extension::Baseline, Extension::Avx2, Extension::Avx512];
    let results = all.into_iter().filter(|extension| *extension <= present()).map(|extension| {
        WIDEST.set(extension);
        (extension, work())
    });
    let results = results.collect();
    WIDEST.set(Extension::Avx512);
    results
}

/// `wide! { /// docs \n fn name(arg: Type, …) -> Out = body; }` defines `name`, which calls the `#[inline(always)]`
/// function `body` with the same arguments, compiled for the widest extension that is present. With `= fusing body` the
/// function is given a constant that says whether [`f64::mul_add`] is one instruction; for where it gives the bits of a
/// product and a sum, which is where the product is exact.
macro_rules! wide {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? = fusing $body:ident;) => {
        $crate::quant::wide::wide! {
            @ $(#[$meta])* $vis fn $name($($arg: $type),*) $(-> $out)? = ($body::<true>, $body::<false>);
        }
    };
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? = $body:path;) => {
        $crate::quant::wide::wide! {
            @ $(#[$meta])* $vis fn $name($($arg: $type),*) $(-> $out)? = ($body, $body);
        }
    };
    (
        @ $(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),*) $(-> $out:ty)? =
            ($wide:expr, $plain:expr);
    ) => {
        $(#[$meta])*
        $vis fn $name($($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                use $crate::quant::wide::{Extension, extension};
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
                fn widest($($arg: $type),*) $(-> $out)? {
                    $wide($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn wider($($arg: $type),*) $(-> $out)? {
                    $wide($($arg),*)
                }
                match extension() {
                    #[allow(unsafe_code, reason = "the features were detected; the function is safe Rust")]
                    // SAFETY: `widest` needs the features that `Extension::Avx512` stands for and nothing else.
                    Extension::Avx512 => return unsafe { widest($($arg),*) },
                    #[allow(unsafe_code, reason = "the features were detected; the function is safe Rust")]
                    // SAFETY: `wider` needs AVX2 and FMA and nothing else.
                    Extension::Avx2 => return unsafe { wider($($arg),*) },
                    Extension::Baseline => {}
                }
            }
            $plain($($arg),*)
        }
    };
}

/// Whether this machine has one instruction for a multiplication and an addition.
pub(crate) fn fuses() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        extension() > Extension::Baseline
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        cfg!(target_arch = "aarch64")
    }
}

pub(crate) use wide;
