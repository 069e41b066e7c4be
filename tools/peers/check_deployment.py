"""
Holds the files of a deployment against the published schemas of those who will read them: strictly, so that a field
which the schema does not know is a fault, as is a value of another type and a required one that is missing.

    python check_deployment.py config.pbtxt manifest.yaml ...

config.pbtxt: the message ModelConfig that tritonclient carries. Manifests: the models that the clients of Kubernetes and
KServe were generated with from the OpenAPI documents of the two. Prints {"absent": {package: reason}, "faults": [...],
"checked": [...], "configs": {file: ModelConfig as JSON}}.
"""
import importlib
import importlib.util
import json
import re
import sys
import types

absent, faults, checked, configs = {}, [], [], {}


def load(package, module):
    """A module of a package whose __init__ may want more than is installed."""
    if package not in sys.modules:
        spec = importlib.util.find_spec(package)
        if spec is None:
            raise ImportError(f"no package {package}")
        bare = types.ModuleType(package)
        bare.__path__ = list(spec.submodule_search_locations)
        sys.modules[package] = bare
    return importlib.import_module(module)


def check_config(path):
    from google.protobuf import json_format, text_format

    model_config = load("tritonclient", "tritonclient.grpc.model_config_pb2")
    message = text_format.Parse(open(path, encoding="utf-8").read(), model_config.ModelConfig())
    configs[path] = json.loads(json_format.MessageToJson(message, preserving_proto_field_name=True))


def check_manifest(path):
    import yaml

    for document in yaml.safe_load_all(open(path, encoding="utf-8")):
        kind, version = document["kind"], document["apiVersion"]
        load("kubernetes", "kubernetes.client")
        if version.startswith("serving.kserve.io/"):
            load("kserve", "kserve.models")
        name = version.split("/")[-1].capitalize() + kind
        check(document, name, f"{path}: {kind}")


def model_of(name):
    for module in ("kserve.models", "kubernetes.client"):
        found = getattr(sys.modules.get(module), name, None)
        if found is not None and hasattr(found, "openapi_types"):
            return found
    return None


def check(value, kind, place):
    listed = re.fullmatch(r"list\[(.*)\]", kind)
    mapped = re.fullmatch(r"dict\(str, (.*)\)", kind)
    if listed:
        if not isinstance(value, list):
            return faults.append(f"{place} is no list")
        for index, each in enumerate(value):
            check(each, listed[1], f"{place}[{index}]")
    elif mapped:
        if not isinstance(value, dict):
            return faults.append(f"{place} is no map")
        for key, each in value.items():
            check(each, mapped[1], f"{place}.{key}")
    elif kind == "str" or kind == "datetime":
        if not isinstance(value, str):
            faults.append(f"{place} is {value!r}, no string")
    elif kind == "int":
        if not isinstance(value, int) or isinstance(value, bool):
            faults.append(f"{place} is {value!r}, no whole number")
    elif kind == "bool":
        if not isinstance(value, bool):
            faults.append(f"{place} is {value!r}, no boolean")
    elif kind in ("object", "float", "ResourceQuantity", "IntOrString"):
        return
    else:
        check_model(value, kind, place)


def check_model(value, kind, place):
    model = model_of(kind)
    if model is None:
        return faults.append(f"{place}: there is no schema {kind}")
    if not isinstance(value, dict):
        return faults.append(f"{place} is {value!r}, no {kind}")
    names = {outside: inside for inside, outside in model.attribute_map.items()}
    for key, each in value.items():
        if key in names:
            check(each, model.openapi_types[names[key]], f"{place}.{key}")
        else:
            faults.append(f"{place}: {kind} has no field {key}")
    try:  # the generated class refuses what is missing
        model(**{names[key]: each for key, each in value.items() if key in names})
    except ValueError as error:
        faults.append(f"{place}: {error}")


for path in sys.argv[1:]:
    try:
        (check_config if path.endswith(".pbtxt") else check_manifest)(path)
        checked.append(path)
    except ImportError as error:
        absent[path] = str(error)
    except Exception as error:
        faults.append(f"{path}: {type(error).__name__}: {error}")
print(json.dumps({"absent": absent, "faults": faults, "checked": checked, "configs": configs}))
