//! What an OpenWhisk runtime must do, whichever way it was started.

mod attacks;
mod basics;
mod concurrent;
mod node;
mod python;
