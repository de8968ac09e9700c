//! Has the addon linked as Node wants it: its own symbols are found in the host, and it is never unloaded.

fn main() {
    napi_build::setup();
}
