//! The addon behind the Node package: translates and drives, decides nothing.
//!
//! Everything a program does seldom goes through napi-rs classes as JSON text ([`manager`], [`pool`]).
//! What a call does goes through plain N-API functions ([`hot`] on [`bare`]), because a class method
//! costs ten times as much as a pick. JavaScript is called from no other thread: work for the program
//! waits in [`work`] until the loop, told by [`wake`], takes it.

mod bare;
mod bell;
mod board;
mod fault;
mod hot;
mod later;
mod manager;
mod pool;
mod provider;
mod queue;
mod request;
mod table;
mod verb;
mod wake;
mod work;
