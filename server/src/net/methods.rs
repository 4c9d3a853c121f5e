//! What the shell must know of a method before its handler runs, read from the descriptors.

use std::collections::HashMap;
use std::sync::Arc;

use prost::Message;
use prost_types::method_options::IdempotencyLevel;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};

use crate::metrics::Calls;

/// A method as calls, logs and metrics know it.
#[derive(Debug)]
pub(super) struct Method {
    /// `package.Service/Method`.
    pub(super) name: Arc<str>,
    /// The server answers with a stream.
    pub(super) streams: bool,
    /// Its descriptor does not say that it changes nothing.
    pub(super) changes: bool,
    /// Takes as long as the database is large: only its caller bounds it.
    pub(super) takes_long: bool,
    pub(super) kind: Kind,
    pub(super) calls: Calls,
}

/// Whose method it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Ours.
    Contract,
    /// Health: open to everybody, even while the server stops, because load balancers have no key.
    Health,
    /// Reflection.
    Reflection,
}

impl Kind {
    fn of(service: &str) -> Self {
        if service.starts_with("grpc.health.") {
            Kind::Health
        } else if service.starts_with("grpc.reflection.") {
            Kind::Reflection
        } else {
            Kind::Contract
        }
    }
}

/// All methods of the port by path.
#[derive(Debug)]
pub(super) struct Methods {
    by_path: HashMap<String, Arc<Method>>,
    unknown: Arc<Method>,
}

impl Methods {
    /// Reads encoded `FileDescriptorSet`s.
    pub(super) fn read(descriptor_sets: &[&[u8]]) -> Result<Self, prost::DecodeError> {
        let mut by_path = HashMap::new();
        for &set in descriptor_sets {
            for file in FileDescriptorSet::decode(set)?.file {
                for service in &file.service {
                    let service_name = format!("{}.{}", file.package(), service.name());
                    for method in &service.method {
                        let kind = Kind::of(&service_name);
                        let name: Arc<str> = format!("{service_name}/{}", method.name()).into();
                        let method = Method {
                            calls: Calls::of(Arc::clone(&name)),
                            name,
                            streams: method.server_streaming(),
                            changes: kind == Kind::Contract && !only_reads(method),
                            takes_long: kind == Kind::Contract
                                && matches!(method.name(), "BackupStore" | "ImportNamespace"),
                            kind,
                        };
                        by_path.insert(format!("/{}", method.name), Arc::new(method));
                    }
                }
            }
        }
        // One name for whatever a caller makes up: names of methods are labels of metrics, and must stay few.
        let name: Arc<str> = "unknown".into();
        let unknown = Method {
            calls: Calls::of(Arc::clone(&name)),
            name,
            streams: false,
            changes: false,
            takes_long: false,
            kind: Kind::Contract,
        };
        Ok(Methods {
            by_path,
            unknown: Arc::new(unknown),
        })
    }

    pub(super) fn find(&self, path: &str) -> Arc<Method> {
        Arc::clone(self.by_path.get(path).unwrap_or(&self.unknown))
    }
}

fn only_reads(method: &MethodDescriptorProto) -> bool {
    let options = method.options.as_ref();
    options.is_some_and(|options| options.idempotency_level() == IdempotencyLevel::NoSideEffects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_known_by_their_paths() {
        let methods = Methods::read(&[
            baton_proto::DESCRIPTOR_SET,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ])
        .unwrap();
        let known = |path: &str| {
            let method = methods.find(path);
            (
                method.name.to_string(),
                method.streams,
                method.changes,
                method.kind,
            )
        };
        let expected = [
            ("baton.v1.TaskService/CreateTask", false, true, Kind::Contract),
            ("baton.v1.TaskService/GetTask", false, false, Kind::Contract),
            ("baton.v1.TaskService/WatchTasks", true, false, Kind::Contract),
            ("grpc.health.v1.Health/Check", false, false, Kind::Health),
            ("grpc.health.v1.Health/Watch", true, false, Kind::Health),
            (
                "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                true,
                false,
                Kind::Reflection,
            ),
            (
                "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                true,
                false,
                Kind::Reflection,
            ),
        ];
        for (name, streams, changes, kind) in expected {
            assert_eq!(
                known(&format!("/{name}")),
                (name.to_owned(), streams, changes, kind)
            );
        }
        for path in [
            "/baton.v1.TaskService/Nothing",
            "/",
            "",
            "baton.v1.TaskService/CreateTask",
        ] {
            assert_eq!(known(path), ("unknown".to_owned(), false, false, Kind::Contract));
        }
    }
}
