"""torchvision's own networks at their full size, with weights and statistics drawn at random.

    torchvision_networks.py make ARCH FILE       saves one as safetensors
    torchvision_networks.py features ARCH FILE IMAGE OUT
        what it says of an image that it is shown as value - 0.4488, [height, width, channels] of the last map or layer, as safetensors
"""

import sys

import numpy as np
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file, save_file


def network(arch):
    torch.manual_seed(7)
    model = getattr(torchvision.models, arch)(weights=None).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.7, 1.3)
            torch.nn.init.uniform_(module.weight, 0.7, 1.3)
            module.num_batches_tracked.fill_(123456789012)
    return model


def maps_of(model, x):
    """The last map, of a chain that behind the classifier's second ReLU."""
    if hasattr(model, "layer4"):
        x = model.maxpool(model.relu(model.bn1(model.conv1(x))))
        return model.layer4(model.layer3(model.layer2(model.layer1(x))))
    x = torch.flatten(model.avgpool(model.features(x)), 1)
    return model.classifier[:6](x)[..., None, None]


command, arch, file, *rest = sys.argv[1:]
if command == "make":
    save_file(network(arch).state_dict(), file, metadata={"format": "pt"})
else:
    image, out = rest
    model = network(arch)
    model.load_state_dict(load_file(file))
    pixels = torch.from_numpy(np.asarray(Image.open(image).convert("RGB")).copy())
    x = pixels.permute(2, 0, 1)[None].float() / 255 - 0.4488
    with torch.no_grad():
        maps = maps_of(model, x)[0].permute(1, 2, 0).contiguous()
    save_file({"maps": maps}, out)
