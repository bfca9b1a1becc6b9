use super::*;

/// The cache drops fractions: what ends in the middle of a second must not be cut short by that.
#[test]
fn a_span_ends_with_a_whole_second_and_never_early() {
    let second = OffsetDateTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for (fraction, seconds) in [(0, 2), (1, 3), (500_000_000, 3), (999_999_999, 3)] {
        let now = second + Duration::from_nanos(fraction);
        assert_eq!(end(now, Duration::from_secs(2)), second + Duration::from_secs(seconds), "{fraction}");
    }
}
