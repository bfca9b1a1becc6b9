//! The pages of the Spotinst console that show the credentials.

pub const PERMANENT_TOKENS: &str = "https://console.spotinst.com/#/settings/tokens/permanent";
pub const TEMPORARY_TOKENS: &str = "https://console.spotinst.com/#/settings/tokens/temporary";
