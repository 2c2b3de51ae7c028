//! What the program can do: [`sync`](sync::sync), [`discover`](discover::discover), [`about`](about::about),
//! [`test`](test::test), [`check`](check::check), and [`sandbox`](sandbox::serve). Each takes its output.

pub mod about;
pub mod check;
mod deliver;
pub mod discover;
pub mod sandbox;
pub mod sync;
pub mod test;
