//! Turns time stamps into nanoseconds since the first row.
//!
//! A simulation starts at its own zero; only the distances between arrivals mean anything. Azure
//! stamps have ticks of 100 ns, finer than a 64-bit float of seconds since 1970 could hold, so
//! they stay integers throughout.

use jiff::civil::DateTime;

use crate::fault::Fault;

const SHAPE: &str = "must be a time as `2023-11-16 18:15:46.6805900`, in UTC";
const FAR: &str = "must lie within 584 years of the first row";

/// Reads the date and time of an Azure row: `YYYY-MM-DD HH:MM:SS`, then up to nine digits of a
/// second. The week-long files of 2024 end every stamp in `+00:00`; nothing but UTC occurs, and
/// another offset is refused rather than guessed at.
pub(crate) fn date_time(column: &str, text: &str) -> Result<DateTime, Fault> {
    let fault = || Fault::broken(column, SHAPE, text);
    let local = text
        .strip_suffix("+00:00")
        .or_else(|| text.strip_suffix('Z'))
        .unwrap_or(text);
    // jiff reads much more than this format has (zones, weeks, missing seconds).
    if !has_shape(local.as_bytes()) {
        return Err(fault());
    }
    local.parse().map_err(|_| fault())
}

fn has_shape(text: &[u8]) -> bool {
    const PATTERN: &[u8; 19] = b"dddd-dd-dd dd:dd:dd";
    let Some((seconds, fraction)) = text.split_at_checked(PATTERN.len()) else {
        return false;
    };
    let fits = |(letter, pattern): (&u8, &u8)| match pattern {
        b'd' => letter.is_ascii_digit(),
        _ => letter == pattern,
    };
    seconds.iter().zip(PATTERN).all(fits)
        && match fraction {
            [] => true,
            [b'.', digits @ ..] => {
                (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
            }
            _ => false,
        }
}

/// A moment of a trace: what can be compared with the first row's.
pub(crate) trait Moment: Copy {
    /// Nanoseconds from `first` to `self`, negative if `self` is earlier.
    fn nanoseconds_since(self, first: Self) -> i128;
}

impl Moment for DateTime {
    fn nanoseconds_since(self, first: Self) -> i128 {
        self.duration_since(first).as_nanos()
    }
}

/// Milliseconds on the trace's own clock, as Mooncake rows have them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Milliseconds(pub(crate) u64);

impl Moment for Milliseconds {
    fn nanoseconds_since(self, first: Self) -> i128 {
        (i128::from(self.0) - i128::from(first.0)) * 1_000_000
    }
}

/// Counts arrivals from the first row, and holds the trace to its order.
///
/// Every published file is sorted by time. A replay in file order would otherwise have to run time
/// backwards, and sorting would need the whole file in memory.
#[derive(Debug)]
pub(crate) struct ArrivalClock<M> {
    first: Option<M>,
    latest_ns: u64,
}

impl<M: Moment> ArrivalClock<M> {
    pub(crate) const fn new() -> Self {
        Self {
            first: None,
            latest_ns: 0,
        }
    }

    /// Nanoseconds from the first row to `moment`, which `column` gives as `text`.
    pub(crate) fn arrival_ns(&mut self, column: &str, moment: M, text: &str) -> Result<u64, Fault> {
        let elapsed = moment.nanoseconds_since(*self.first.get_or_insert(moment));
        if elapsed < i128::from(self.latest_ns) {
            return Err(Fault::broken(
                column,
                "must not be earlier than in the row before",
                text,
            ));
        }
        self.latest_ns = u64::try_from(elapsed).map_err(|_| Fault::broken(column, FAR, text))?;
        Ok(self.latest_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::{ArrivalClock, date_time};

    #[test]
    fn ticks_of_100_ns_survive() {
        let mut clock = ArrivalClock::new();
        let mut read = |text| clock.arrival_ns("t", date_time("t", text).unwrap(), text);
        assert_eq!(read("2023-12-31 23:59:59.9999999").unwrap(), 0);
        assert_eq!(read("2024-01-01 00:00:00").unwrap(), 100);
        assert_eq!(read("2024-01-01 00:00:01.5+00:00").unwrap(), 1_500_000_100);
        assert!(read("2024-01-01 00:00:01.4").is_err());
        assert!(read("9000-01-01 00:00:00").is_err());
    }

    #[test]
    fn other_shapes_are_refused() {
        for bad in [
            "",
            "2023-11-16",
            "2023-11-16T18:15:46",
            "2023-11-16 18:15",
            "2023-02-30 00:00:00",
            "2023-11-16 18:15:46.",
            "2023-11-16 18:15:46.1234567891",
            "2023-11-16 18:15:46+01:00",
            "2023-11-16 25:15:46",
            "2023-11-16 18:15:46[UTC]",
            "1699999999",
        ] {
            assert!(date_time("t", bad).is_err(), "{bad}");
        }
    }
}
