"""GPT-2, a mixture of experts of its shape, ResNet-50 and a U-Net with attention, in plain PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint


class Attend(nn.Module):
    """Attention itself, a module of its own so that it has a figure of its own."""

    def __init__(self, heads: int, *, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal

    def forward(self, qkv: Tensor) -> Tensor:
        batch, length, width = qkv.shape
        parts = qkv.view(batch, length, 3, self.heads, width // 3 // self.heads).permute(2, 0, 3, 1, 4)
        out = functional.scaled_dot_product_attention(*parts, is_causal=self.causal)
        return out.transpose(1, 2).reshape(batch, length, width // 3)


class Attention(nn.Module):
    """Projections around it."""

    def __init__(self, width: int, heads: int, *, causal: bool) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.core = Attend(heads, causal=causal)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.core(self.qkv(x)))


class Block(nn.Module):
    """A layer of GPT-2; `inner` is its feed-forward part."""

    def __init__(self, width: int, heads: int, inner: nn.Module) -> None:
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(width), Attention(width, heads, causal=True)
        self.ln_2, self.mlp = nn.LayerNorm(width), inner

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class FeedForward(nn.Sequential):
    """Two maps and an activation."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width))


class Mixture(nn.Module):
    """Experts, of which every token meets the best two."""

    def __init__(self, width: int, experts: int) -> None:
        super().__init__()
        self.router = nn.Linear(width, experts, bias=False)
        self.experts = nn.ModuleList(FeedForward(width) for _ in range(experts))
        self.sent: list[tuple[int, ...]] = []
        """Tokens that each expert got, forward by forward; a checkpoint's computing again is one, too."""

    def forward(self, x: Tensor) -> Tensor:
        flat = x.reshape(-1, x.shape[-1])
        weight, chosen = self.router(flat).softmax(-1).topk(2)
        out = torch.zeros_like(flat)
        self.sent.append(tuple((chosen == at).sum().item() for at in range(len(self.experts))))
        for at, expert in enumerate(self.experts):
            token, rank = torch.where(chosen == at)
            out = out.index_add(0, token, (expert(flat[token]) * weight[token, rank, None]).to(out.dtype))
        return out.view_as(x)


class Language(nn.Module):
    """GPT-2, or a mixture of experts of its shape."""

    def __init__(
        self, *, layers: int, width: int, length: int, words: int, experts: int = 0, again: bool = False
    ) -> None:
        super().__init__()
        self.again = again
        self.wte, self.wpe = nn.Embedding(words, width), nn.Embedding(length, width)
        self.h = nn.ModuleList(
            Block(width, width // 64, Mixture(width, experts) if experts else FeedForward(width))
            for _ in range(layers)
        )
        self.ln_f, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)
        nn.init.normal_(self.wte.weight, std=0.02)
        self.head.weight = self.wte.weight

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1], device=tokens.device))
        for block in self.h:
            x = checkpoint(block, x, use_reentrant=False) if self.again else block(x)
        return self.head(self.ln_f(x))


class Bottleneck(nn.Module):
    """A block of ResNet-50; works in place."""

    def __init__(self, inputs: int, middle: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, middle, 1, bias=False), nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(middle)
        self.conv3, self.bn3 = nn.Conv2d(middle, 4 * middle, 1, bias=False), nn.BatchNorm2d(4 * middle)
        self.relu = nn.ReLU(inplace=True)
        self.down = (
            nn.Conv2d(inputs, 4 * middle, 1, stride, bias=False)
            if stride > 1 or inputs != 4 * middle
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(y)))))
        y += x if self.down is None else self.down(x)
        return self.relu(y)


class Residual(nn.Module):
    """ResNet-50."""

    def __init__(self, blocks: tuple[int, ...]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn, self.relu, self.pool = nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        made, inputs = [], 64
        for stage, count in enumerate(blocks):
            for at in range(count):
                made.append(Bottleneck(inputs, 64 << stage, 2 if stage and not at else 1))
                inputs = 256 << stage
        self.blocks = nn.ModuleList(made)
        self.fc = nn.Linear(inputs, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.bn(self.stem(x))))
        for block in self.blocks:
            x = block(x)
        return self.fc(x.mean((2, 3)))


class Level(nn.Module):
    """Two convolutions of a U-Net around a skip, and attention where it is small."""

    def __init__(self, inputs: int, outputs: int, *, attends: bool) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(8, inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(8, outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1)
        self.attn = Attention(outputs, outputs // 64, causal=False) if attends else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(functional.silu(self.norm1(x)))
        y = self.conv2(functional.silu(self.norm2(y))) + self.skip(x)
        if self.attn is None:
            return y
        return y + self.attn(y.flatten(2).transpose(1, 2)).transpose(1, 2).view_as(y)


class UNet(nn.Module):
    """Down, through, and up again by transposed convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.down1, self.shrink1 = Level(width, width, attends=False), nn.Conv2d(width, width, 3, 2, 1)
        self.down2, self.shrink2 = (
            Level(width, 2 * width, attends=True),
            nn.Conv2d(2 * width, 2 * width, 3, 2, 1),
        )
        self.middle = Level(2 * width, 2 * width, attends=True)
        self.grow2, self.up2 = (
            nn.ConvTranspose2d(2 * width, 2 * width, 2, 2),
            Level(4 * width, 2 * width, attends=True),
        )
        self.grow1, self.up1 = (
            nn.ConvTranspose2d(2 * width, width, 2, 2),
            Level(2 * width, width, attends=False),
        )
        self.last = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        one = self.down1(self.stem(x))
        two = self.down2(self.shrink1(one))
        y = self.middle(self.shrink2(two))
        y = self.up2(torch.cat([self.grow2(y), two], 1))
        y = self.up1(torch.cat([self.grow1(y), one], 1))
        return self.last(y)
