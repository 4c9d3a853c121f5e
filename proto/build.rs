//! Generates the Rust code of the contract from `baton/v1/*.proto`, without `protoc`.
//!
//! Two views of the same messages come out. The true one is for clients. The server's own view (feature
//! `server`) keeps every `google.protobuf.Value` and `google.protobuf.Struct` field as its encoded bytes: the
//! wire does not change, and JSON passes through the server without being taken apart. So it does with the events of
//! watches: an event is encoded once for all who watch it. And a task in a request or an answer stands behind a
//! pointer: messages are moved through every layer of a call, and a task has more than a kilobyte. In both views no
//! `Debug` shows the token of a lease.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};

type BuildResult<T> = Result<T, Box<dyn std::error::Error>>;

const JSON_TYPES: [&str; 2] = [".google.protobuf.Value", ".google.protobuf.Struct"];

/// The messages whose `events` go to many clients alike.
const WATCHES: [&str; 2] = ["WatchTaskResponse", "WatchTasksResponse"];

/// The largest message of all.
const TASK: &str = ".baton.v1.Task";

/// What holds one as its template, and stands in requests and answers itself.
const SCHEDULE: &str = "Schedule";

/// Whoever has it may speak for a task, so no `Debug` shows it.
const SECRETS: [&str; 2] = ["lease_token", "secrets"];

/// `detail` of an event is as large as its largest member; these two are many times larger than the rest.
const BOXED: [&str; 2] = [
    ".baton.v1.TaskEvent.detail.created",
    ".baton.v1.TaskEvent.detail.updated",
];

fn main() -> BuildResult<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let files = proto_files(&root.join("baton/v1"))?;
    let mut compiler = protox::Compiler::new([&root])?;
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(&files)?;
    fs::write(
        out.join("descriptors.binpb"),
        compiler.encode_file_descriptor_set(),
    )?;

    let descriptors = compiler.file_descriptor_set();
    generate(&out.join("v1"), descriptors.clone(), Side::Client)?;
    if env::var_os("CARGO_FEATURE_SERVER").is_some() {
        generate(&out.join("raw"), as_the_server_sees(descriptors), Side::Server)?;
    }
    Ok(())
}

/// The contract's files in a stable order. Neither protox nor tonic tells cargo what it read, so this does.
fn proto_files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", dir.display());
    let mut files = fs::read_dir(dir)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "proto"));
    files.sort();
    for file in &files {
        println!("cargo:rerun-if-changed={}", file.display());
    }
    Ok(files)
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Client,
    Server,
}

fn generate(dir: &Path, descriptors: FileDescriptorSet, side: Side) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let mut builder = tonic_prost_build::configure()
        .out_dir(dir)
        .bytes(".")
        // A map that iterates in the order of its keys encodes the same way every time.
        .btree_map(".")
        .build_client(side == Side::Client)
        .build_server(side == Side::Server)
        .build_transport(false);
    if side == Side::Server {
        builder = builder.codec_path("crate::codec::ServerCodec");
        for path in tasks_of_calls(&descriptors) {
            builder = builder.boxed(path);
        }
    }
    for path in BOXED {
        builder = builder.boxed(path);
    }
    let bearers = bearers(&descriptors);
    builder = builder.skip_debug(
        bearers
            .iter()
            .map(|bearer| format!(".baton.v1.{}", bearer.name())),
    );
    for bearer in &bearers {
        // What is said of a message is taken to be said of its alternatives, which have no token of their own.
        for choice in &bearer.oneof_decl {
            let path = format!(".baton.v1.{}.{}", bearer.name(), choice.name());
            builder = builder.type_attribute(path, "#[derive(Debug)]");
        }
    }
    let shown: String = bearers.iter().map(shown_without_secret).collect();
    fs::write(dir.join("shown.rs"), shown)?;
    builder.compile_fds(descriptors)
}

/// The messages that hold the token of a lease, or what signs messages.
fn bearers(descriptors: &FileDescriptorSet) -> Vec<DescriptorProto> {
    let ours = descriptors
        .file
        .iter()
        .filter(|file| file.package() == "baton.v1");
    let messages = ours.flat_map(|file| &file.message_type);
    let holds =
        |message: &&DescriptorProto| message.field.iter().any(|field| SECRETS.contains(&field.name()));
    messages.filter(holds).cloned().collect()
}

/// How such a message is shown: as every other one is, but for the secret.
fn shown_without_secret(message: &DescriptorProto) -> String {
    let mut names: Vec<&str> = Vec::new();
    for field in &message.field {
        let choice = field.oneof_index.filter(|_| !field.proto3_optional());
        let choice = choice.and_then(|index| message.oneof_decl.get(usize::try_from(index).ok()?));
        let name = choice.map_or(field.name(), |choice| choice.name());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let fields: String = names
        .iter()
        .map(|name| match *name {
            secret if SECRETS.contains(&secret) => format!(".field(\"{secret}\", &\"(hidden)\")"),
            name => format!(".field(\"{name}\", &self.{name})"),
        })
        .collect();
    let name = message.name();
    format!(
        "impl ::core::fmt::Debug for {name} {{ \
         fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{ \
         f.debug_struct(\"{name}\"){fields}.finish() }} }}\n"
    )
}

/// The fields of requests and responses that hold one task.
fn tasks_of_calls(descriptors: &FileDescriptorSet) -> Vec<String> {
    let ours = descriptors
        .file
        .iter()
        .filter(|file| file.package() == "baton.v1");
    let messages = ours.flat_map(|file| &file.message_type);
    let of_calls = messages.filter(|message| {
        let name = message.name();
        name.ends_with("Request") || name.ends_with("Response") || name == SCHEDULE
    });
    of_calls
        .flat_map(|message| {
            let tasks = message
                .field
                .iter()
                .filter(|field| field.type_name() == TASK && field.label() != Label::Repeated);
            tasks.map(|field| format!(".baton.v1.{}.{}", message.name(), field.name()))
        })
        .collect()
}

/// Retypes what passes through to `bytes`, which has the same wire type.
fn as_the_server_sees(mut descriptors: FileDescriptorSet) -> FileDescriptorSet {
    let ours = descriptors
        .file
        .iter_mut()
        .filter(|file| file.package() == "baton.v1");
    for message in ours.flat_map(|file| &mut file.message_type) {
        retype_json_fields(message);
        if WATCHES.contains(&message.name()) {
            let events = message.field.iter_mut().filter(|field| field.name() == "events");
            events.for_each(as_bytes);
        }
    }
    descriptors
}

/// Retyped fields become `optional`, so that one that is absent and one that is empty stay apart as they do in the
/// true messages.
fn retype_json_fields(message: &mut DescriptorProto) {
    let json = message
        .field
        .iter_mut()
        .filter(|field| JSON_TYPES.contains(&field.type_name()));
    for field in json {
        as_bytes(field);
        if field.oneof_index.is_none() && field.label() == Label::Optional {
            field.proto3_optional = Some(true);
        }
    }
    message.nested_type.iter_mut().for_each(retype_json_fields);
}

fn as_bytes(field: &mut FieldDescriptorProto) {
    field.set_type(Type::Bytes);
    field.type_name = None;
}
