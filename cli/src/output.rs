//! What the user sees: streams and colours, JSON, tables, traffic. Decides nothing.

pub mod activation_row;
pub mod console;
pub mod json;
pub mod listing;
pub mod traffic;
pub mod yaml;

pub use console::{Console, Printer};
