//! The same outcomes whatever the number of photos in a request.

use super::*;

#[test]
fn shares_add_up() {
    for photos in 1..9 {
        let shares = shares(Usage { prompt_tokens: 1001, completion_tokens: 7 }, photos);
        assert_eq!(shares.len(), photos);
        assert_eq!(shares.iter().map(|usage| usage.prompt_tokens).sum::<u64>(), 1001);
        assert_eq!(shares.iter().map(|usage| usage.completion_tokens).sum::<u64>(), 7);
    }
}
