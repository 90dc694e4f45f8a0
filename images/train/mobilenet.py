"""MobileNetV2 (Sandler et al., 2018, table 2). It is defined here so that training needs only torch."""

import torch
from torch import Tensor, nn

FEATURES = 1280
"""The number of channels of the last feature map. The app only serves models with a 1280 -> N head."""

BLOCKS = (
    # expansion t, channels c, repeats n, stride s
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def convolution(inputs: int, outputs: int, size: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution with batch norm and ReLU6."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )


class InvertedResidual(nn.Module):
    """Expands the channels, filters each channel by itself, and projects. It has a shortcut where the shape stays the
    same.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        layers = [convolution(inputs, hidden)] if expansion != 1 else []
        self.body = nn.Sequential(
            *layers,
            convolution(hidden, hidden, 3, stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Feature maps [N, outputs, H / stride, W / stride] of the feature maps [N, inputs, H, W]."""
        return x + self.body(x) if self.shortcut else self.body(x)


class MobileNetV2(nn.Module):
    """MobileNetV2 for small images too: stem_stride 1 keeps their detail (the paper's 2 is for 224 pixels)."""

    def __init__(self, classes: int, stem_stride: int = 2, dropout: float = 0.1) -> None:
        super().__init__()
        layers: list[nn.Module] = [convolution(3, 32, 3, stem_stride)]
        channels = 32
        for expansion, outputs, repeats, stride in BLOCKS:
            for number in range(repeats):
                layers.append(InvertedResidual(channels, outputs, stride if number == 0 else 1, expansion))
                channels = outputs
        layers.append(convolution(channels, FEATURES))
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(FEATURES, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, classes] of the scaled images [N, 3, H, W]."""
        features: Tensor = self.features(x)
        logits: Tensor = self.head(torch.flatten(nn.functional.adaptive_avg_pool2d(features, 1), 1))
        return logits
