//! Bars of block characters.

const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A bar of `value`, where `most` is `width` characters long.
pub(crate) fn bar(value: f64, most: f64, width: usize) -> String {
    let eighths = (value.max(0.0) / most.max(f64::MIN_POSITIVE) * width as f64 * 8.0).round() as usize;
    let eighths = eighths.min(width * 8);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS.get(eighths % 8).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_value() {
        assert_eq!((bar(10.0, 10.0, 4).as_str(), bar(5.0, 40.0, 4).as_str()), ("████", "▌"));
        assert_eq!((bar(-1.0, 10.0, 4).as_str(), bar(99.0, 10.0, 2).as_str()), ("", "██"));
    }
}
