"""Reasons in words, English and Japanese, for both windows; the codes are those of `kizuna.labels`, the release plan and the outbox."""

from __future__ import annotations

from collections.abc import Sequence

# `{}` takes the parameters, joined by commas.
REASONS: dict[str, dict[str, str]] = {
    "allowed": {"en": "its label allows it", "ja": "取扱表示が許しています"},
    "own-organisation": {"en": "it is for the own organisation only", "ja": "自組織のみに限られています"},
    "unknown-policy": {"en": "the policy {} is unknown here", "ja": "方針 {} は不明です"},
    "unknown-classification": {"en": "the classification {} is unknown here", "ja": "区分 {} は不明です"},
    "not-addressed": {"en": "it is for others: {}", "ja": "宛先が異なります: {}"},
    "lacks-category": {"en": "the recipient lacks {}", "ja": "受領者に必要な資格がありません: {}"},
    "not-yet-valid": {"en": "its label does not hold yet: from {}", "ja": "まだ有効ではありません: {} から"},
    "no-longer-valid": {"en": "its label holds no longer: until {}", "ja": "有効期限が過ぎています: {} まで"},
    "tlp-red-not-named": {
        "en": "TLP:RED is for named persons, and a partner is none",
        "ja": "TLP:RED は指名された個人のみで、パートナーには渡せません",
    },
    "tlp-red-own-organisation": {
        "en": "TLP:RED of another originator goes to nobody outside the organisation",
        "ja": "他組織の TLP:RED は自組織の外へは渡せません",
    },
    "tlp-amber-own-organisation": {
        "en": "TLP:AMBER of another originator stays in the organisation and with its clients",
        "ja": "他組織の TLP:AMBER は自組織とその顧客に限られます",
    },
    "tlp-amber-strict-own-organisation": {
        "en": "TLP:AMBER+STRICT of another originator stays in the organisation",
        "ja": "他組織の TLP:AMBER+STRICT は自組織に限られます",
    },
    "tlp-green-not-member": {
        "en": "TLP:GREEN is for a community the recipient is not in: {}",
        "ja": "TLP:GREEN の共同体に属していません: {}",
    },
    "not-cleared": {"en": "the recipient is not cleared for {}", "ja": "受領者に次の資格がありません: {}"},
    # What the feed and the release plan add to the label's.
    "not-receiving": {
        "en": "no category names the partner, and its setting does not receive this",
        "ja": "宛先に指定されておらず、受領設定にも含まれません",
    },
    "waits": {
        "en": "it is let out, and waits for what it refers to or for the next hour",
        "ja": "開示は認められ、参照するものか次の時間を待っています",
    },
    "not-let-out": {"en": "no rule and nobody let it leave", "ja": "どの規則も人も開示を認めていません"},
    "stopped": {"en": "people hold it back", "ja": "人が保留しています"},
    "withdrawn": {"en": "people took it back", "ja": "人が撤回しました"},
    "older-version-whole": {"en": "an older version leaves whole", "ja": "古い版は全体を開示します"},
    "brought-by-partner": {"en": "the partner brought it itself", "ja": "パートナー自身が持ち込んだものです"},
    "refers-to-withheld": {"en": "references to what is withheld: {}", "ja": "開示されないものへの参照: {} 件"},
    "refers-to-renditions": {
        "en": "references to what leaves in part: {}",
        "ja": "一部のみ開示されるものへの参照: {} 件",
    },
    "object": {"en": "its label is not for the partner", "ja": "取扱表示がこのパートナーを対象としていません"},
    "required-property": {
        "en": "it is nothing without what must be cut",
        "ja": "必須のプロパティを伏せると成り立ちません",
    },
    "whole-or-not": {"en": "this type leaves whole or not at all", "ja": "この種類は全体でしか開示できません"},
    "indivisible-property": {
        "en": "a pattern or the like is not cut",
        "ja": "パターンなど、分割できないプロパティです",
    },
    "id-contributing-property": {
        "en": "its id would tell what must be cut",
        "ja": "ID から伏せる値が分かってしまいます",
    },
    "tells-too-much": {
        "en": "what remains would tell what it was made of, or be no valid object",
        "ja": "残りから元のオブジェクトが分かるか、正しいオブジェクトになりません",
    },
    # Why a part may be too much for a partner.
    "victim": {"en": "it is or names a victim", "ja": "被害者またはその名前です"},
    "observer": {"en": "it is or names who saw it", "ja": "観測した者またはその名前です"},
    "person": {"en": "it is or names a person", "ja": "個人またはその名前です"},
    "position": {"en": "it is a position", "ja": "位置を示しています"},
    "contact": {"en": "how to reach somebody", "ja": "連絡先です"},
    "email": {"en": "it holds an e-mail address", "ja": "メールアドレスを含みます"},
    "account": {"en": "it holds a user account", "ja": "利用者アカウントを含みます"},
    "internal-address": {
        "en": "it holds an address of an internal network",
        "ja": "内部ネットワークのアドレスを含みます",
    },
    "internal-host": {"en": "it holds the name of an internal host", "ja": "内部のホスト名を含みます"},
    "internal-source": {"en": "where it was read is internal", "ja": "出典が内部のものです"},
    "custom-property": {"en": "STIX does not define it", "ja": "STIX が定めないプロパティです"},
    "maker-withheld": {"en": "who made it is withheld", "ja": "作成者は開示されません"},
    "withheld-reference": {"en": "it refers to what is withheld", "ja": "開示されないものを参照しています"},
    "withheld-text": {"en": "what is withheld elsewhere stands in it", "ja": "ほかで開示されない文言を含みます"},
    "marked-stricter": {"en": "it is marked more strictly", "ja": "より厳しい取扱表示が付いています"},
    # What people did, or may not do, about the outbox.
    "not-held": {"en": "it is not held here", "ja": "ここには保有されていません"},
    "not-theirs": {"en": "it did not come from this partner", "ja": "このパートナーから受け取ったものではありません"},
    "not-ours": {"en": "it is somebody else's", "ja": "他組織のものです"},
    "leaves-already": {"en": "it leaves already", "ja": "すでに開示されています"},
    "left-already": {"en": "it left already; withdraw it", "ja": "すでに開示済みです。撤回してください"},
    "did-not-leave": {"en": "it never left", "ja": "開示されたことがありません"},
    "approved-already": {
        "en": "{} approved it already, and another person is asked for",
        "ja": "{} はすでに承認しました。別の人の承認が必要です",
    },
    "label-not-stated": {
        "en": "what leaves does not state this label",
        "ja": "開示されるデータには、この取扱表示が記されていません",
    },
    "unstated": {
        "en": "its own bytes do not state this label",
        "ja": "元のデータには、この取扱表示が記されていません",
    },
    "not-owner": {
        "en": "only its owner revokes it",
        "ja": "無効にできるのは所有者だけです",
    },
    "no-versions": {
        "en": "it has no versions; delete it, or withdraw it",
        "ja": "版を持ちません。削除するか、撤回してください",
    },
    "revoked-already": {
        "en": "it is revoked already",
        "ja": "すでに無効になっています",
    },
    "seen-in-part": {
        "en": "who does not see all of it does not approve it",
        "ja": "全体を見ることができない人は承認できません",
    },
    "let-in": {
        "en": "since it was first approved somebody else let the approver in: {}",
        "ja": "最初の承認の後に、別の人がこの承認者を登録または変更しました: {}",
    },
}


def worded(code: str, parameters: Sequence[str], language: str) -> str:
    """One reason as a phrase, in `en` or `ja`."""
    told = ", ".join(parameters) or {"en": "none named", "ja": "指定なし"}[language]
    return REASONS[code][language].format(told)
