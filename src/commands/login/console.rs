//! The pages of the console with the values that are asked for.

pub const PERMANENT_TOKENS: &str = "https://console.spotinst.com/#/settings/tokens/permanent";
pub const TEMPORARY_TOKENS: &str = "https://console.spotinst.com/#/settings/tokens/temporary";
