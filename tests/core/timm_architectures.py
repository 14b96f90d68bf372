"""Architectures of timm that the tests build, fold, train and open: small members of many families."""

MAPS = [
    "efficientnet_b0.ra_in1k",
    "tf_efficientnet_b0.ns_jft_in1k",
    "resnet18d.ra2_in1k",
    "regnety_002.pycls_in1k",
    "densenet121.ra_in1k",
    "mobilenetv3_small_100.lamb_in1k",
    "mobilenetv4_conv_small.e2400_r224_in1k",
    "ghostnet_100.in1k",
    "rexnet_100.nav_in1k",
    "dla46_c.in1k",
    "convnext_atto.d2_in1k",
    "hrnet_w18_small.ms_in1k",
    "resnetv2_18.ra4_e3600_r224_in1k",
    "repvit_m1_0.dist_450e_in1k",
]
"""Networks of convolutions."""

TOKENS = ["levit_128s.fb_dist_in1k", "vit_tiny_patch16_224.augreg_in21k"]
"""Networks whose map is a row of tokens."""

HEAVY = {"resnet18d.ra2_in1k", "densenet121.ra_in1k", "hrnet_w18_small.ms_in1k", "resnetv2_18.ra4_e3600_r224_in1k"}

TRAINED = [name for name in (*MAPS, *TOKENS) if name not in HEAVY]
"""Those that are trained, too."""
