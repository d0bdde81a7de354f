//! Numbers as text. Tables and plots share it, so that a figure reads the same in both; a value
//! that is no number becomes a dash rather than a word a reader could take for a result.

/// Shown where there is no value.
pub const ABSENT: &str = "-";

const SIGNIFICANT: i32 = 4;
const KIB: f64 = 1024.0;

/// Four significant digits, thousands separated, in exponents only where no reader would count
/// the zeros.
pub fn figure(value: f64) -> String {
    if !value.is_finite() {
        return ABSENT.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let size = value.abs();
    if !(1e-4..1e12).contains(&size) {
        return format!("{value:.2e}");
    }
    // Below one the leading zeros already say how little it is: one digit fewer.
    let digits = if size < 1.0 {
        SIGNIFICANT - 1
    } else {
        SIGNIFICANT
    };
    let magnitude = size.log10().floor() as i32;
    let wanted = decimals(digits, magnitude);
    // 9.9996 rounds to 10.000: one digit too many.
    let rounded: f64 = format!("{size:.wanted$}").parse().unwrap_or(size);
    let grown = rounded >= 10_f64.powi(magnitude + 1) && magnitude >= 0;
    fixed(
        value,
        if grown {
            wanted.saturating_sub(1)
        } else {
            wanted
        },
    )
}

/// The mark of an axis: [`figure`] without digits that say nothing.
pub fn tick(value: f64) -> String {
    // Marks are multiples of a step in floating point; what is left of zero is no mark.
    if value.abs() < 1e-9 {
        return "0".to_owned();
    }
    let text = figure(value);
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// How many of something: `1 tile`, `2,048 tiles`.
pub fn counted(value: u64, noun: &str) -> String {
    let ending = match value {
        1 => "",
        _ if noun.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{} {noun}{ending}", count(value))
}

/// A whole number, thousands separated.
pub fn count(value: u64) -> String {
    separated(&value.to_string())
}

/// A fraction in per cent, without the sign.
pub fn percent(fraction: f64) -> String {
    let value = fraction * 100.0;
    if !value.is_finite() || value.abs() >= 1e6 {
        figure(value)
    } else if value > 0.0 && value < 0.05 {
        "<0.1".to_owned()
    } else if value.abs() < 0.05 {
        "0.0".to_owned()
    } else {
        fixed(value, 1)
    }
}

/// `value` over `baseline`, or a dash where that says nothing.
pub fn ratio(value: f64, baseline: f64) -> String {
    let ratio = value / baseline;
    if !ratio.is_finite() {
        return ABSENT.to_owned();
    }
    let digits = match ratio.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 || size == 0.0 => 2,
        _ => 3,
    };
    format!("{}x", fixed(ratio, digits))
}

/// Bytes in GiB, without the unit: capacities come in powers of two.
pub fn gib(bytes: u64) -> String {
    figure(bytes as f64 / (KIB * KIB * KIB))
}

/// Bytes in MB, without the unit: traffic is compared with rates, which are decimal.
pub fn megabytes(bytes: u64) -> String {
    figure(bytes as f64 / 1e6)
}

fn decimals(digits: i32, magnitude: i32) -> usize {
    usize::try_from(digits - 1 - magnitude).unwrap_or(0)
}

fn fixed(value: f64, decimals: usize) -> String {
    separated(&format!("{value:.decimals$}"))
}

/// Puts separators into the whole part of a decimal number.
fn separated(number: &str) -> String {
    let (sign, rest) = match number.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", number),
    };
    let (whole, fraction) = match rest.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (rest, None),
    };
    let mut text = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}
