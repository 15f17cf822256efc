//! The HTTP server inside every Whirl action image: it answers `/init` and `/run` and passes them to one language
//! launcher over pipes. It knows no language, and it keeps no activation beyond the answer.

mod answer;
mod archive;
mod error;
mod init_request;
mod launcher;
mod lifecycle;
mod outbox;
mod proxy;
mod run_request;
mod server;
mod settings;
mod streams;

pub use error::Error;
pub use server::serve;
pub use settings::Settings;
