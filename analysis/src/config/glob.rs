//! Patterns of names.

/// Whether `text` fits `pattern`, in which `*` stands for any run of characters and `?` for one.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut i, mut j) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while j < t.len() {
        match p.get(i) {
            Some('*') => {
                retry = Some((i, j));
                i += 1;
            }
            Some(&c) if c == '?' || Some(&c) == t.get(j) => {
                i += 1;
                j += 1;
            }
            _ => match retry {
                // Let the last `*` swallow one character more.
                Some((star, from)) => {
                    i = star + 1;
                    j = from + 1;
                    retry = Some((star, from + 1));
                }
                None => return false,
            },
        }
    }
    p.iter().skip(i).all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glob_backtracks_over_stars() {
        assert!(glob("head/*", "head/conv/1"));
        assert!(glob("*conv?_*w", "a/conv1_conv2_w"));
        assert!(!glob("head/*", "neck/head"));
        assert!(glob("*", ""));
        assert!(!glob("?", ""));
    }
}
